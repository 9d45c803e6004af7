import { Body, Controller, Get, Headers, HttpCode, HttpStatus, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { etagOf, ifMatch } from '../../platform/http/input/if-match.js';
import { refuseBody } from '../../platform/http/input/input-rules.js';
import { campaignId, keysetCursor, listQuery, reason, rowId } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiIfMatch, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { pageJson } from '../../platform/http/output/schemas.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { AdminSight } from '../../platform/identity/admin-sight.js';
import { Admin, Caller, NeedsRole } from '../../platform/identity/admin.guard.js';
import { ApiNeedsApproval, type ApprovalJson, waitsForApproval } from '../../ports/approvals/approval-json.js';
import { FAILED_EVENT_STATUSES } from '../../ports/database/failed-event-store.js';
import { FailedEventApprovals } from './failed-event-approvals.js';
import {
  type FailedEventJson,
  failedEventJson,
  failedEventJsonSchema,
  failedEventListJsonSchema,
  failedEventWithMessageJson,
  failedEventWithMessageJsonSchema,
} from './failed-event-json.js';
import { FailedEventOperations, type OperatorOutcome } from './failed-event-operations.js';

const cursor = keysetCursor(z.int().min(1));
const query = listQuery(cursor, {
  status: z.enum(FAILED_EVENT_STATUSES, { error: 'status' }).optional(),
  campaignId: campaignId.optional(),
});
const discardOrder = z
  .strictObject({ reason })
  .meta({ id: 'DiscardOrder', example: { reason: '고객이 신청을 취소함' } });

/** The operators' calls on claims that could not be published or persisted. */
@ApiTags('administration')
@Admin('operator')
@Controller('api/admin/failed-events')
export class FailedEventsController {
  constructor(
    private readonly operations: FailedEventOperations,
    private readonly approvals: FailedEventApprovals,
    private readonly sight: AdminSight,
  ) {}

  @Get()
  @NeedsRole('viewer')
  @ApiOperation({ summary: 'Claims that could not be published or persisted, newest first' })
  @ApiAnswer(200, 'One page.', failedEventListJsonSchema, {
    links: { listFailedEvents: { cursor: '$response.body#/nextCursor' } },
  })
  @ApiProblems('invalid-cursor', 'database-unavailable')
  async listFailedEvents(
    @Query({ schema: query }) { limit, cursor: beforeId, status, campaignId }: z.infer<typeof query>,
    @Req() request: FastifyRequest,
  ): Promise<z.infer<typeof failedEventListJsonSchema>> {
    const { withClaimIds } = await this.sight.of(request);
    const page = await this.operations.list({
      limit,
      ...(beforeId === undefined ? {} : { beforeId }),
      ...(status === undefined ? {} : { status }),
      ...(campaignId === undefined ? {} : { campaignId }),
    });
    return pageJson(page, (row) => failedEventJson(row, withClaimIds), cursor);
  }

  // Not `:id` alone: that would take `GET requeue` and `GET discard`, which are no calls.
  @Get(':id/message')
  @NeedsRole('viewer')
  @ApiOperation({ summary: 'One of them, with the message that could not become a coupon' })
  @ApiAnswer(200, 'The failed event and its message.', failedEventWithMessageJsonSchema, {
    headers: { ETag: 'Its version, for If-Match.' },
  })
  @ApiProblems('failed-event-not-found', 'database-unavailable')
  async showFailedEvent(
    @Param('id', { schema: rowId }) id: number,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof failedEventWithMessageJsonSchema>> {
    const { withClaimIds } = await this.sight.of(request);
    const found = await this.operations.find(id);
    if (found === null) throw new Problem('failed-event-not-found');
    reply.header('etag', etagOf(found.row.version));
    return failedEventWithMessageJson(found.row, found.message, withClaimIds);
  }

  @Post(':id/requeue')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Publish it again now, with all attempts before it; for DEAD and PENDING' })
  @ApiIfMatch()
  @ApiAnswer(200, 'The failed event as it is now.', failedEventJsonSchema, {
    headers: { ETag: 'Its new version, for If-Match.' },
  })
  @ApiProblems('failed-event-not-found', 'invalid-state', 'database-unavailable')
  async requeueFailedEvent(
    @Param('id', { schema: rowId }) id: number,
    @Headers('if-match') condition: string | undefined,
    @Req() request: FastifyRequest,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FailedEventJson> {
    const hasSeen = ifMatch(condition);
    refuseBody(request.body);
    return rowOrProblem(await this.operations.requeue(id, hasSeen, by), reply);
  }

  @Post(':id/discard')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Give the claim up for good: it becomes no coupon, and its slot goes back to the stock' })
  @ApiIfMatch()
  @ApiAnswer(200, 'The failed event as it is now.', failedEventJsonSchema, {
    headers: { ETag: 'Its new version, for If-Match.' },
  })
  @ApiNeedsApproval()
  @ApiProblems('failed-event-not-found', 'invalid-state', 'coupon-exists', 'database-unavailable')
  async discardFailedEvent(
    @Param('id', { schema: rowId }) id: number,
    @Body({ schema: discardOrder }) order: z.infer<typeof discardOrder>,
    @Headers('if-match') condition: string | undefined,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<FailedEventJson | ApprovalJson> {
    const outcome = await this.operations.discard(id, order.reason, ifMatch(condition), by, this.approvals.assent);
    if (outcome.kind === 'approval-needed') {
      return waitsForApproval(reply, await this.approvals.ask(outcome.row, order.reason, by));
    }
    return rowOrProblem(outcome, reply);
  }
}

/** @throws Problem for every outcome but `changed`. */
function rowOrProblem(outcome: OperatorOutcome, reply: FastifyReply): FailedEventJson {
  if (outcome.kind === 'approval-needed') throw new Error('a requeue needs no approval');
  if (outcome.kind !== 'changed') throw new Problem(outcome.kind);
  reply.header('etag', etagOf(outcome.row.version));
  return failedEventJson(outcome.row);
}
