import { Injectable, Logger } from '@nestjs/common';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { type Page, pageOf } from '../../platform/values/page.js';
import { type VersionCondition } from '../../platform/values/version-condition.js';
import { type Assent, NO_ASSENT } from '../../ports/approvals/approvals.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import {
  type FailedEvent,
  type FailedEventFilter,
  type FailedEventStatus,
  type KeptMessage,
  type OperatorChange,
} from '../../ports/database/failed-event-store.js';
import { passOf } from '../../ports/gate/gate-pass.js';
import { type GatePass } from '../../ports/gate/issuance-gate.js';
import { DiscardedSlots } from '../gate-watch/discarded-slots.js';

/** The result of an operator's call. Only `changed` has changed anything. */
export type OperatorOutcome =
  | OperatorChange
  /** A second operator has to approve it. Nothing was changed. */
  | { readonly kind: 'approval-needed'; readonly row: FailedEvent }
  /** The user has a coupon of this campaign: there is nothing left to discard. */
  | { readonly kind: 'coupon-exists'; readonly row: FailedEvent };

/**
 * A requeue is for DEAD rows. A PENDING row waits for its back-off, up to five minutes; an operator who has fixed the
 * cause may cut that short. Rows of the other statuses are on their way or final.
 */
const REQUEUABLE: readonly FailedEventStatus[] = ['DEAD', 'PENDING'];

/** The operators' calls on failed events. Each change leaves a row in `admin_audit`, in the same transaction. */
@Injectable()
export class FailedEventOperations {
  private readonly logger = new Logger(FailedEventOperations.name);

  constructor(
    private readonly database: Database,
    private readonly slots: DiscardedSlots,
  ) {}

  /**
   * Lists the newest first; the next page begins before the id `next`.
   * @throws DatabaseError
   */
  async list(filter: FailedEventFilter): Promise<Page<FailedEvent, number>> {
    const { limit } = filter;
    const found = await this.database.read((unit) => unit.failedEvents.list({ ...filter, limit: limit + 1 }));
    return pageOf(found, limit, ({ id }) => id);
  }

  /**
   * One failed event with its message; null when there is no such row.
   * @throws DatabaseError
   */
  find(id: number): Promise<{ readonly row: FailedEvent; readonly message: KeptMessage | null } | null> {
    return this.database.read(async ({ failedEvents }) => {
      const row = await failedEvents.find(id);
      return row === null ? null : { row, message: await failedEvents.messageOf(id) };
    });
  }

  /**
   * Makes the row PENDING and due at once, with its attempts back at 0. Refuses an unreadable message: it holds no
   * claim to publish.
   * @throws DatabaseError
   */
  requeue(id: number, hasSeen: VersionCondition, by: CallOrigin): Promise<OperatorOutcome> {
    return this.database.transaction((unit) => this.requeueIn(unit, id, hasSeen, by));
  }

  /** {@link requeue} within a transaction of the caller. */
  async requeueIn(
    unit: UnitOfWork,
    id: number,
    hasSeen: VersionCondition,
    by: CallOrigin,
    detail: Record<string, unknown> = {},
  ): Promise<OperatorOutcome> {
    const row = await unit.failedEvents.lock(id);
    if (row === null) return { kind: 'failed-event-not-found' };
    if (!hasSeen(row.version)) return { kind: 'precondition-failed', row };
    if (row.claim === null || !REQUEUABLE.includes(row.status)) return { kind: 'invalid-state', row };
    await unit.failedEvents.requeue(id, row.note);
    return this.changed(unit, 'failed-event.requeue', row, by, detail);
  }

  /**
   * Discards the claim, which is final: the consumer skips it, also an event of it that is on the log already, and the
   * user may claim again. The slot goes back to the stock after the commit. If the gate does not answer, the sweeper
   * does that.
   * @throws DatabaseError
   */
  async discard(
    id: number,
    reason: string,
    hasSeen: VersionCondition,
    by: CallOrigin,
    assent: Assent = NO_ASSENT,
  ): Promise<OperatorOutcome> {
    // Read without a lock, because the campaign has to be locked before the row. The claim of a row never changes.
    const claim = (await this.database.read((unit) => unit.failedEvents.find(id)))?.claim ?? null;
    let pass: GatePass | null = null;
    const outcome = await this.database.transaction(async (unit): Promise<OperatorOutcome> => {
      pass = passOf(await unit.gate.lockShared());
      // The consumer inserts coupons under this lock: either the consumer sees DISCARDED, or we see the coupon.
      // mutant: unlocked-discard
      if (claim !== null) await unit.campaigns.lock([claim.campaignId]);
      const outcome = await this.discardIn(unit, id, hasSeen, by, { reason }, assent);
      if (outcome.kind === 'changed' && assent.kind === 'given') await assent.note(unit);
      return outcome;
    });
    if (outcome.kind === 'changed' && pass !== null) await this.freeSlots(pass, [outcome.row]);
    return outcome;
  }

  /** {@link discard} within a transaction of the caller, who holds a share of the gate row and the campaign's lock. */
  async discardIn(
    unit: UnitOfWork,
    id: number,
    hasSeen: VersionCondition,
    by: CallOrigin,
    detail: Record<string, unknown> & { readonly reason: string },
    assent: Assent = NO_ASSENT,
  ): Promise<OperatorOutcome> {
    const row = await unit.failedEvents.lock(id);
    if (row === null) return { kind: 'failed-event-not-found' };
    if (!hasSeen(row.version)) return { kind: 'precondition-failed', row };
    if (row.status === 'DISCARDED') return { kind: 'invalid-state', row };
    const { claim } = row;
    if (claim !== null && (await unit.coupons.find(claim.campaignId, claim.userId)) !== null) {
      return { kind: 'coupon-exists', row };
    }
    if (row.status === 'RESOLVED') return { kind: 'invalid-state', row };
    // mutant: discarded-alone
    if (assent.kind === 'needed') return { kind: 'approval-needed', row };
    await unit.failedEvents.discard(id, detail.reason);
    return this.changed(unit, 'failed-event.discard', row, by, detail);
  }

  private async changed(
    unit: UnitOfWork,
    action: string,
    before: FailedEvent,
    by: CallOrigin,
    detail: Record<string, unknown>,
  ): Promise<OperatorOutcome> {
    const row = await unit.failedEvents.find(before.id);
    if (row === null) return { kind: 'failed-event-not-found' };
    await unit.audit.record({
      action,
      subject: String(before.id),
      campaignId: before.claim?.campaignId ?? null,
      by,
      detail: {
        ...detail,
        claimId: before.claim?.claimId ?? null,
        before: { status: before.status },
        after: { status: row.status },
        version: row.version,
      },
    });
    return { kind: 'changed', row };
  }

  /** Best effort: the discards are committed, and the operator must not get an error for it. */
  async freeSlots(pass: GatePass, rows: readonly FailedEvent[]): Promise<void> {
    try {
      await this.slots.release(pass, rows);
    } catch (error) {
      this.logger.warn({
        message: 'the slots of discarded claims wait for the sweeper',
        claimIds: rows.map(({ claim }) => claim?.claimId),
        reason: (error as Error).message,
      });
    }
  }
}
