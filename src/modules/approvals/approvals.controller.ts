import { Controller, Get, HttpCode, HttpStatus, Param, Post, Query, Req } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { refuseBody } from '../../platform/http/input/input-rules.js';
import { approvalId, keysetCursor, listQuery } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { pageJson, pageJsonSchema } from '../../platform/http/output/schemas.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { AdminAccess } from '../../platform/identity/admin-access.js';
import { Admin, Caller } from '../../platform/identity/admin.guard.js';
import { type ApprovalJson, approvalJson, approvalJsonSchema } from '../../ports/approvals/approval-json.js';
import { APPROVAL_STATUSES } from '../../ports/database/approval-store.js';
import { type DecisionOutcome, StoredApprovals } from './stored-approvals.js';

const cursor = keysetCursor(approvalId);
const query = listQuery(cursor, { status: z.enum(APPROVAL_STATUSES, { error: 'status' }).optional() });
const approvalListJsonSchema = pageJsonSchema(approvalJsonSchema).meta({ id: 'ApprovalList' });

/** Where the second operator decides. */
@ApiTags('administration')
@Admin('operator')
@Controller('api/admin/approvals')
export class ApprovalsController {
  constructor(
    private readonly approvals: StoredApprovals,
    private readonly access: AdminAccess,
  ) {}

  @Get()
  @ApiOperation({ summary: 'What waits for a second operator, and what was decided, newest first' })
  @ApiAnswer(200, 'One page.', approvalListJsonSchema, {
    links: { listApprovals: { cursor: '$response.body#/nextCursor' } },
  })
  @ApiProblems('invalid-cursor')
  async listApprovals(
    @Query({ schema: query }) { limit, cursor: beforeId, status }: z.infer<typeof query>,
  ): Promise<z.infer<typeof approvalListJsonSchema>> {
    const filter = { ...(beforeId === undefined ? {} : { beforeId }), ...(status === undefined ? {} : { status }) };
    return pageJson(await this.approvals.list(limit, filter), approvalJson, cursor);
  }

  @Get(':approvalId')
  @ApiOperation({ summary: 'One of them' })
  @ApiAnswer(200, 'The request.', approvalJsonSchema)
  @ApiProblems('approval-not-found')
  async findApproval(@Param('approvalId', { schema: approvalId }) id: string): Promise<ApprovalJson> {
    const approval = await this.approvals.find(id);
    if (approval === null) throw new Problem('approval-not-found');
    return approvalJson(approval);
  }

  @Post(':approvalId/approve')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({
    summary: 'Approve it: it is done now, exactly as it was asked for',
    description:
      'By another operator than the one who has asked, with the role that the act needs. If what it acts on has changed since, ' +
      'nothing is done, and `now` says what has changed. Again, or at once with another operator, it is done once.',
  })
  @ApiAnswer(200, 'Done.', approvalJsonSchema)
  @ApiProblems('approval-not-found', 'own-approval', 'approval-decided', 'approval-outdated', 'gate-not-told')
  async approveAct(
    @Param('approvalId', { schema: approvalId }) id: string,
    @Req() request: FastifyRequest,
    @Caller() by: CallOrigin,
  ): Promise<ApprovalJson> {
    refuseBody(request.body);
    await this.demandRole(id, request);
    return doneOrProblem(await this.approvals.approve(id, by));
  }

  @Post(':approvalId/reject')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Reject it; whoever has asked may take it back in this way' })
  @ApiAnswer(200, 'Rejected, or already so.', approvalJsonSchema)
  @ApiProblems('approval-not-found', 'approval-decided')
  async rejectAct(
    @Param('approvalId', { schema: approvalId }) id: string,
    @Req() request: FastifyRequest,
    @Caller() by: CallOrigin,
  ): Promise<ApprovalJson> {
    refuseBody(request.body);
    await this.demandRole(id, request);
    return doneOrProblem(await this.approvals.reject(id, by));
  }

  /** @throws Problem `role-not-allowed` for an operator, where the act needs an admin. */
  private async demandRole(id: string, request: FastifyRequest): Promise<void> {
    const approval = await this.approvals.find(id);
    // mutant: operators-approve-keys
    if (approval !== null) await this.access.enter(request, approval.neededRole);
  }
}

/** @throws Problem for every outcome but `done`. */
function doneOrProblem(outcome: DecisionOutcome): ApprovalJson {
  switch (outcome.kind) {
    case 'done':
      return approvalJson(outcome.approval);
    case 'not-now':
      throw outcome.problem;
    case 'approval-decided':
      throw new Problem(outcome.kind, { extensions: { approval: approvalJson(outcome.approval) } });
    case 'approval-outdated':
      throw new Problem(outcome.kind, {
        extensions: { ...outcome.approval.outcome, approval: approvalJson(outcome.approval) },
      });
    default:
      throw new Problem(outcome.kind);
  }
}
