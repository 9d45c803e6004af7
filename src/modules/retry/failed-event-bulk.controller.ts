import { Body, Controller, Get, HttpCode, HttpStatus, Post, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { campaignId, reason } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { Admin, Caller, NeedsRole } from '../../platform/identity/admin.guard.js';
import { ApiNeedsApproval, type ApprovalJson, waitsForApproval } from '../../ports/approvals/approval-json.js';
import { FailedEventApprovals } from './failed-event-approvals.js';
import { BULK_LIMIT, type BulkFilter, FailedEventBulk, type BulkOutcome } from './failed-event-bulk.js';

const filter = {
  status: z
    .enum(['DEAD', 'PENDING'], { error: 'bulk-status' })
    .meta({ description: 'Of the rows that wait. The others are on their way, or final.', examples: ['DEAD'] }),
  campaignId: campaignId.optional(),
};
const expected = z
  .int({ error: 'expected' })
  .min(0, { error: 'expected' })
  .max(1_000_000_000, { error: 'expected' })
  .meta({ description: 'How many rows the caller has seen. With another number now, nothing is changed.' });
const consequencesQuery = z.strictObject(filter);
const requeueOrder = z
  .strictObject({ ...filter, expected })
  .meta({ id: 'BulkRequeueOrder', example: { status: 'DEAD', campaignId: 'default', expected: 0 } });
const bulkDiscardOrder = z.strictObject({ ...filter, expected, reason }).meta({
  id: 'BulkDiscardOrder',
  example: { status: 'DEAD', campaignId: 'default', expected: 0, reason: '고객이 신청을 취소함' },
});

const count = (description: string) => z.int().min(0).meta({ description });
const consequencesAnswer = z
  .object({
    count: count('Rows that the filter names now.'),
    claims: count(
      'Of these: a requeue publishes them again; a discard makes no coupon of them, and gives their slots back.',
    ),
    unreadable: count('Of these: messages that hold no claim. They cannot be requeued.'),
  })
  .meta({ id: 'FailedEventConsequences' });
const bulkAnswer = z
  .object({
    changed: count('Rows that were changed.'),
    refused: z
      .record(z.string(), z.int().min(1))
      .meta({ description: 'Rows that were left as they are, by problem code.' }),
    left: count('Rows that the filter names now.'),
  })
  .meta({ id: 'BulkResult' });

const AT_MOST = `The newest ${BULK_LIMIT.toLocaleString('en')} of them; call again with \`left\` for the others.`;

/** The operators' calls on many failed events at once. */
@ApiTags('administration')
@Admin('operator')
@Controller('api/admin/failed-events')
export class FailedEventBulkController {
  constructor(
    private readonly bulk: FailedEventBulk,
    private readonly approvals: FailedEventApprovals,
  ) {}

  @Get('consequences')
  @NeedsRole('viewer')
  @ApiOperation({ summary: 'What a requeue or a discard of all rows of a status would do' })
  @ApiAnswer(200, 'The numbers now.', consequencesAnswer)
  @ApiProblems('database-unavailable')
  previewFailedEvents(
    @Query({ schema: consequencesQuery }) query: z.infer<typeof consequencesQuery>,
  ): Promise<z.infer<typeof consequencesAnswer>> {
    return this.bulk.consequences(filterOf(query));
  }

  @Post('requeue')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Publish many again now, with all attempts before them', description: AT_MOST })
  @ApiAnswer(200, 'What was done.', bulkAnswer)
  @ApiProblems('precondition-failed', 'database-unavailable')
  async requeueFailedEvents(
    @Body({ schema: requeueOrder }) order: z.infer<typeof requeueOrder>,
    @Caller() by: CallOrigin,
  ): Promise<z.infer<typeof bulkAnswer>> {
    return doneOrProblem(await this.bulk.act(filterOf(order), { kind: 'requeue' }, order.expected, by));
  }

  @Post('discard')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Give many claims up for good', description: AT_MOST })
  @ApiAnswer(200, 'What was done.', bulkAnswer)
  @ApiNeedsApproval()
  @ApiProblems('precondition-failed', 'database-unavailable')
  async discardFailedEvents(
    @Body({ schema: bulkDiscardOrder }) order: z.infer<typeof bulkDiscardOrder>,
    @Caller() by: CallOrigin,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof bulkAnswer> | ApprovalJson> {
    const filter = filterOf(order);
    const { expected, reason } = order;
    const outcome = await this.bulk.act(filter, { kind: 'discard', reason }, expected, by, this.approvals.assent);
    if (outcome.kind === 'approval-needed') {
      return waitsForApproval(reply, await this.approvals.askMany(filter, expected, reason, by));
    }
    return doneOrProblem(outcome);
  }
}

function filterOf({
  status,
  campaignId,
}: {
  status: BulkFilter['status'];
  campaignId?: string | undefined;
}): BulkFilter {
  return campaignId === undefined ? { status } : { status, campaignId };
}

/** @throws Problem when the count is another one. */
function doneOrProblem(outcome: BulkOutcome): z.infer<typeof bulkAnswer> {
  if (outcome.kind !== 'done') {
    throw new Problem('precondition-failed', { extensions: { count: outcome.count } });
  }
  const { changed, refused, left } = outcome;
  return { changed, refused: { ...refused }, left };
}
