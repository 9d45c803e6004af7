import { Controller, Get, Param } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { campaignId } from '../../platform/http/input/schemas.js';
import { ApiAnswer, ApiProblems } from '../../platform/http/openapi/openapi.js';
import { isoInstant } from '../../platform/http/output/schemas.js';
import { Problem } from '../../platform/http/problem/problem.js';
import { Admin } from '../../platform/identity/admin.guard.js';
import { FAILED_EVENT_STATUSES } from '../../ports/database/failed-event-store.js';
import { PromiseAudit } from './promise-audit.js';

const count = (description: string) => z.int().min(0).meta({ description });

const auditAnswer = z
  .object({
    campaignId,
    total: count('The stock, in coupons.'),
    gate: count(
      'Claims that hold a slot at the gate; null while it cannot be trusted or reached, and after `leftGateAt`.',
    ).nullable(),
    pending: count('Of these, claims that were not seen in the database yet.').nullable(),
    oldestPendingMs: count('Age of the oldest of them, ms; null when there is none.').nullable(),
    leftGateAt: isoInstant.nullable().meta({
      description: 'When the closed campaign left the gate, and the database began to answer for it; null before.',
    }),
    issued: count('The campaign’s own counter.'),
    rows: count('Coupons that were stored when the gate was read.'),
    rowsCountedAt: isoInstant.meta({
      description:
        'When the rows were counted. Those of a large campaign are counted every few minutes; `rows` then says as many as were counted, and what `issued` rose since.',
    }),
    failed: z
      .object(Object.fromEntries(FAILED_EVENT_STATUSES.map((status) => [status, z.int().min(0)])))
      .meta({ description: 'Failed events by status.' }),
    drift: count('By how many claims and coupons these disagree; 0 when all promises hold.'),
  })
  .meta({ id: 'Audit' });

/** Shows gate, counter, rows and failed events of a campaign side by side. */
@ApiTags('administration')
@Admin('viewer')
@Controller('api/admin/campaigns')
export class AuditController {
  constructor(private readonly promises: PromiseAudit) {}

  @Get(':campaignId/audit')
  @ApiOperation({ summary: 'Compare what was promised with what is there' })
  @ApiAnswer(200, 'What gate and database say about the campaign.', auditAnswer)
  @ApiProblems('campaign-not-found', 'database-unavailable')
  async auditCampaign(@Param('campaignId', { schema: campaignId }) id: string): Promise<z.infer<typeof auditAnswer>> {
    const audit = await this.promises.audit(id);
    if (audit === null) throw new Problem('campaign-not-found');
    return { ...audit, leftGateAt: isoOf(audit.leftGateAt) };
  }
}
