import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { inputProblem } from '../../platform/http/input/input-rules.js';
import { instant, keyId, keyName, keysetCursor, listQuery } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { pageJson } from '../../platform/http/output/schemas.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { Admin, Caller } from '../../platform/identity/admin.guard.js';
import { KEY_ROLES } from '../../platform/identity/key-role.js';
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

/** The admins' calls on API keys. */
@ApiTags('administration')
@Admin('admin')
@Controller('api/admin/keys')
export class KeysController {
  constructor(private readonly keys: KeyAdministration) {}

  @Post()
  @ApiOperation({ summary: 'Make an API key; its secret is shown only in this answer' })
  @ApiAnswer(201, 'The key.', newKeyJsonSchema)
  async createKey(
    @Body({ schema: newKey }) { name, role, expiresAt }: z.infer<typeof newKey>,
    @Caller() by: CallOrigin,
  ): Promise<z.infer<typeof newKeyJsonSchema>> {
    const outcome = await this.keys.create({ name, role, expiresAt: expiresAt ?? null }, by);
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
  @ApiProblems('key-not-found')
  async revokeKey(@Param('keyId', { schema: keyId }) id: string, @Caller() by: CallOrigin): Promise<KeyJson> {
    const key = await this.keys.revoke(id, by);
    if (key === null) throw new Problem('key-not-found');
    return keyJson(key);
  }
}
