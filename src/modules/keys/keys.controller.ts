import { Body, Controller, Delete, Get, Param, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { inputProblem } from '../../platform/http/input/input-rules.js';
import { instant, keyId, keyName, keysetCursor, listQuery } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { pageJson } from '../../platform/http/output/schemas.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { Admin, Caller } from '../../platform/identity/admin.guard.js';
import { KEY_ROLES } from '../../platform/identity/key-role.js';
import {
  ApiNeedsApproval,
  type ApprovalJson,
  approvalJsonSchema,
  waitsForApproval,
} from '../../ports/approvals/approval-json.js';
import { KeyApprovals } from './key-approvals.js';
import { KeyAdministration } from './key-administration.js';
import { type KeyJson, keyJson, keyJsonSchema, keyListJsonSchema, newKeyJsonSchema } from './key-json.js';

const newKey = z
  .strictObject({
    name: keyName,
    role: z.enum(KEY_ROLES, { error: 'key-role' }).meta({ description: 'What the key may do.' }),
    expiresAt: instant.nullish().meta({ description: 'Without it, or null: never.' }),
  })
  .meta({ id: 'NewApiKey', example: { name: 'shop backend', role: 'issuer', expiresAt: null } });
const cursor = keysetCursor(keyId);
const keysQuery = listQuery(cursor, {});

/** The key of a request for approval, which is shown only here. */
const keyApprovalJsonSchema = approvalJsonSchema
  .extend({ key: z.string().meta({ description: 'The key. It opens nothing before the approval: keep it safe now.' }) })
  .meta({ id: 'KeyApproval' });

/** The admins' calls on API keys. */
@ApiTags('administration')
@Admin('admin')
@Controller('api/admin/keys')
export class KeysController {
  constructor(
    private readonly keys: KeyAdministration,
    private readonly approvals: KeyApprovals,
  ) {}

  @Post()
  @ApiOperation({ summary: 'Make an API key; its secret is shown only in this answer' })
  @ApiAnswer(201, 'The key.', newKeyJsonSchema)
  @ApiNeedsApproval(keyApprovalJsonSchema)
  async createKey(
    @Body({ schema: newKey }) { name, role, expiresAt }: z.infer<typeof newKey>,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof newKeyJsonSchema> | z.infer<typeof keyApprovalJsonSchema>> {
    const order = { name, role, expiresAt: expiresAt ?? null };
    const outcome = await this.keys.create(order, by, this.approvals.assent);
    if (outcome.kind === 'approval-needed') {
      const approval = await this.approvals.askToCreate(outcome.seed, by);
      return { ...waitsForApproval(reply, approval), key: outcome.text };
    }
    if (outcome.kind === 'expiry-past') throw inputProblem('body', '/expiresAt', 'key-expiry');
    return { ...keyJson(outcome.key), key: outcome.text };
  }

  @Get()
  @ApiOperation({ summary: 'All API keys, newest first, the revoked ones too' })
  @ApiAnswer(200, 'One page.', keyListJsonSchema, {
    links: { listKeys: { cursor: '$response.body#/nextCursor' } },
  })
  @ApiProblems('invalid-cursor')
  async listKeys(
    @Query({ schema: keysQuery }) { limit, cursor: beforeId }: z.infer<typeof keysQuery>,
  ): Promise<z.infer<typeof keyListJsonSchema>> {
    return pageJson(await this.keys.list(limit, beforeId), keyJson, cursor);
  }

  @Delete(':keyId')
  @ApiOperation({ summary: 'Revoke an API key for good: refused here at once, by every process within 5 s' })
  @ApiAnswer(200, 'Revoked, or already so.', keyJsonSchema)
  @ApiNeedsApproval()
  @ApiProblems('key-not-found')
  async revokeKey(
    @Param('keyId', { schema: keyId }) id: string,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<KeyJson | ApprovalJson> {
    const outcome = await this.keys.revoke(id, by, this.approvals.assent);
    if (outcome.kind === 'key-not-found') throw new Problem(outcome.kind);
    if (outcome.kind === 'approval-needed') {
      return waitsForApproval(reply, await this.approvals.askToRevoke(outcome.key, by));
    }
    return keyJson(outcome.key);
  }
}
