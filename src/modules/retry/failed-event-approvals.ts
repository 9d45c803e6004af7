import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { Approvals, type Assent, type Execution } from '../../ports/approvals/approvals.js';
import { type Approval, type ApprovalFacts } from '../../ports/database/approval-store.js';
import { type FailedEvent } from '../../ports/database/failed-event-store.js';
import { type BulkFilter, FailedEventBulk } from './failed-event-bulk.js';
import { FailedEventOperations } from './failed-event-operations.js';

/** Discards failed events when a second operator has approved it. */
@Injectable()
export class FailedEventApprovals implements OnModuleInit {
  constructor(
    private readonly approvals: Approvals,
    private readonly operations: FailedEventOperations,
    private readonly bulk: FailedEventBulk,
  ) {}

  /** Of calls of operators. */
  get assent(): Assent {
    return this.approvals.assent;
  }

  onModuleInit(): void {
    this.approvals.register('failed-event.discard', (order, by, assent, id) =>
      this.discard(Number(id), order, by, assent),
    );
    this.approvals.register('failed-events.discard', (order, by, assent) => this.discardMany(order, by, assent));
  }

  ask({ id, claim, status, version }: FailedEvent, reason: string, by: CallOrigin): Promise<Approval> {
    return this.approvals.ask(
      {
        action: 'failed-event.discard',
        subject: String(id),
        campaignId: claim?.campaignId ?? null,
        neededRole: 'operator',
        order: { version, reason },
        consequences: { count: 1, claims: claim === null ? 0 : 1, claimId: claim?.claimId ?? null, status },
      },
      by,
    );
  }

  async askMany(filter: BulkFilter, expected: number, reason: string, by: CallOrigin): Promise<Approval> {
    const campaignId = filter.campaignId ?? null;
    return this.approvals.ask(
      {
        action: 'failed-events.discard',
        subject: campaignId ?? filter.status,
        campaignId,
        neededRole: 'operator',
        order: { ...filter, expected, reason },
        consequences: { ...(await this.bulk.consequences(filter)) },
      },
      by,
    );
  }

  private async discard(id: number, order: ApprovalFacts, by: CallOrigin, assent: Assent): Promise<Execution> {
    const hasSeen = (version: number): boolean => version === order.version;
    const outcome = await this.operations.discard(id, order.reason as string, hasSeen, by, assent);
    if (outcome.kind === 'failed-event-not-found') return { kind: 'refused', code: outcome.kind, now: {} };
    const { status, version } = outcome.row;
    if (outcome.kind === 'changed') return { kind: 'executed', outcome: { status, version } };
    if (outcome.kind === 'approval-needed') throw new Error('an approved act has asked for an approval');
    return { kind: 'refused', code: outcome.kind, now: { status, version } };
  }

  private async discardMany(order: ApprovalFacts, by: CallOrigin, assent: Assent): Promise<Execution> {
    const { expected, reason, status, campaignId } = order as unknown as BulkFilter & {
      expected: number;
      reason: string;
    };
    const filter = campaignId === undefined ? { status } : { status, campaignId };
    const outcome = await this.bulk.act(filter, { kind: 'discard', reason }, expected, by, assent);
    if (outcome.kind === 'done') {
      const { changed, refused, left } = outcome;
      return { kind: 'executed', outcome: { changed, refused, left } };
    }
    return { kind: 'refused', code: 'precondition-failed', now: { count: outcome.count } };
  }
}
