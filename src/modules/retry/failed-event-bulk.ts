import { Injectable } from '@nestjs/common';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { type Assent, NO_ASSENT } from '../../ports/approvals/approvals.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import { type FailedEvent, type FailedEventStatus } from '../../ports/database/failed-event-store.js';
import { passOf } from '../../ports/gate/gate-pass.js';
import { type GatePass } from '../../ports/gate/issuance-gate.js';
import { FailedEventOperations, type OperatorOutcome } from './failed-event-operations.js';

/** Rows that one call changes at most: some seconds on a slow database. */
export const BULK_LIMIT = 1_000;
/** Rows of one transaction. The consumer waits for it where they are of its campaign. */
const AT_ONCE = 50;

/** Which rows an act is for. */
export interface BulkFilter {
  readonly status: Extract<FailedEventStatus, 'PENDING' | 'DEAD'>;
  readonly campaignId?: string;
}

export type BulkAct = { readonly kind: 'requeue' } | { readonly kind: 'discard'; readonly reason: string };

export interface BulkConsequences {
  /** Rows that the filter names now. */
  readonly count: number;
  /** Of these: claims that are published again, or become no coupon and give their slots back. */
  readonly claims: number;
  /** Of these: messages that could not be read. They cannot be requeued. */
  readonly unreadable: number;
}

export type BulkOutcome =
  | {
      readonly kind: 'done';
      readonly changed: number;
      /** Rows that were left as they are, by why. */
      readonly refused: Readonly<Partial<Record<Exclude<OperatorOutcome['kind'], 'changed'>, number>>>;
      /** Rows that the filter names now. */
      readonly left: number;
    }
  /** Not as many rows as the caller has seen, or a second operator has to approve it. Nothing was changed. */
  | { readonly kind: 'precondition-failed' | 'approval-needed'; readonly count: number };

/** Requeues or discards many failed events, each as {@link FailedEventOperations} does, with its own line in the audit. */
@Injectable()
export class FailedEventBulk {
  constructor(
    private readonly database: Database,
    private readonly operations: FailedEventOperations,
  ) {}

  /** @throws DatabaseError */
  async consequences(filter: BulkFilter): Promise<BulkConsequences> {
    const { rows, claims } = await this.database.read((unit) => unit.failedEvents.count(filter));
    return { count: rows, claims, unreadable: rows - claims };
  }

  /**
   * Begins with the newest row. A row that fails later than this call is not touched. Rows of earlier transactions stay
   * changed when a later one rejects: the caller asks for the count, and calls again.
   * @param expected how many rows the caller has seen.
   * @throws DatabaseError
   */
  async act(
    filter: BulkFilter,
    act: BulkAct,
    expected: number,
    by: CallOrigin,
    assent: Assent = NO_ASSENT,
  ): Promise<BulkOutcome> {
    const { count, ids } = await this.database.snapshot(async (unit) => ({
      count: (await unit.failedEvents.count(filter)).rows,
      ids: (await unit.failedEvents.list({ ...filter, limit: BULK_LIMIT })).map(({ id }) => id),
    }));
    // mutant: uncounted-bulk
    if (count !== expected) return { kind: 'precondition-failed', count };
    // mutant: many-discarded-alone
    if (assent.kind === 'needed' && act.kind === 'discard') return { kind: 'approval-needed', count };
    // Before the first row: another approval of the same must not do half of it.
    if (assent.kind === 'given') await this.database.transaction((unit) => assent.note(unit));
    const kinds: OperatorOutcome['kind'][] = [];
    for (let from = 0; from < ids.length; from += AT_ONCE) {
      kinds.push(...(await this.actOn(ids.slice(from, from + AT_ONCE), filter, act, by)));
    }
    const refused: Partial<Record<OperatorOutcome['kind'], number>> = {};
    for (const kind of kinds) refused[kind] = (refused[kind] ?? 0) + 1;
    const { changed = 0, ...others } = refused;
    const left = (await this.database.read((unit) => unit.failedEvents.count(filter))).rows;
    return { kind: 'done', changed, refused: others, left };
  }

  private async actOn(
    ids: readonly number[],
    filter: BulkFilter,
    act: BulkAct,
    by: CallOrigin,
  ): Promise<OperatorOutcome['kind'][]> {
    let pass: GatePass | null = null;
    const outcomes = await this.database.transaction(async (unit) => {
      pass = passOf(await unit.gate.lockShared());
      const outcomes: OperatorOutcome[] = [];
      await lockCampaigns(unit, ids);
      for (const id of [...ids].reverse()) {
        const row = await unit.failedEvents.find(id);
        // Another operator, or the retry, was faster.
        if (row !== null && row.status !== filter.status) outcomes.push({ kind: 'invalid-state', row });
        else if (act.kind === 'requeue') outcomes.push(await this.operations.requeueIn(unit, id, always, by, BULK));
        else outcomes.push(await this.operations.discardIn(unit, id, always, by, { ...BULK, reason: act.reason }));
      }
      return outcomes;
    });
    const discarded = act.kind === 'requeue' ? [] : outcomes.flatMap((it) => (it.kind === 'changed' ? [it.row] : []));
    if (discarded.length > 0 && pass !== null) await this.operations.freeSlots(pass, discarded);
    return outcomes.map(({ kind }) => kind);
  }
}

const always = (): boolean => true;
/** In the audit: this row was one of many. */
const BULK = { bulk: true };

/**
 * All at once, in the order of their ids. So no consumer of these campaigns, which resolves their rows, holds one of them.
 * The claim of a row never changes.
 */
async function lockCampaigns(unit: UnitOfWork, ids: readonly number[]): Promise<void> {
  const rows: (FailedEvent | null)[] = [];
  for (const id of ids) rows.push(await unit.failedEvents.find(id));
  const campaigns = rows.flatMap((row) => (row === null || row.claim === null ? [] : [row.claim.campaignId]));
  await unit.campaigns.lock([...new Set(campaigns)]);
}
