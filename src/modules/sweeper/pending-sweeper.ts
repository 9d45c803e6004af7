import { Injectable } from '@nestjs/common';
import { type Claim } from '../../domain/claim.js';
import { inCaseOfCollision } from '../../ports/database/collision.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import { type FailedEvent, type Failure } from '../../ports/database/failed-event-store.js';
import { passOf } from '../../ports/gate/gate-pass.js';
import { type GatePass, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { DiscardedSlots } from '../watch/discarded-slots.js';
import { EpochWatch } from '../watch/epoch-watch.js';
import { ConsumedHorizon } from './consumed-horizon.js';

const CAMPAIGN_PAGE = 100;
const PENDING_PAGE = 500;
const DISCARDED_PAGE = 500;

const NEVER_ARRIVED: Failure = {
  errorClass: 'lost',
  errorCode: 'never-arrived',
  errorMessage: 'admitted at the gate, but not on the claim log and not in the database',
};

/** What one `sweep()` did. */
export interface SweepReport {
  /** Pending entries forgotten, because their claim is in the database. */
  readonly cleared: number;
  /** Slots of discarded claims given back. */
  readonly released: number;
  /** Claims that never arrived, and are failed events from now on. */
  readonly recorded: number;
}

/** What the database says about pending claims. */
interface Findings {
  /** Coupon or failed event: the entry has done its duty. */
  readonly settled: readonly Claim[];
  readonly discarded: readonly FailedEvent[];
  readonly missing: readonly Claim[];
}

/** The epoch under which the pass was given is over; what was seen under it says nothing about the next one. */
class EpochMovedError extends Error {
  override readonly name = 'EpochMovedError';
}

/**
 * Goes after claims that the gate admitted and nobody made durable: an api that died between gate and log, an
 * acknowledgement that never came. It publishes nothing itself; what never arrived becomes a failed event, which the
 * drainer publishes. It also gives back the slots of discarded claims whose gate call failed.
 *
 * It runs on any number of instances at once: every step can be repeated, and what two of them insert meets in one row.
 */
@Injectable()
export class PendingSweeper {
  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly horizon: ConsumedHorizon,
    private readonly slots: DiscardedSlots,
  ) {}

  /**
   * One pass over everything. Does nothing while no epoch is open, and ends early when the epoch moves on.
   *
   * Rejects with what database, gate or log reject with; the next pass does what this one could not.
   */
  async sweep(signal?: AbortSignal): Promise<SweepReport> {
    const pass = await this.openPass();
    const report = { cleared: 0, released: 0, recorded: 0 };
    if (pass === null) return report;
    await this.releaseDiscarded(pass, report, signal);
    // Asked before the pending entries are read: what the consumer has settled by then is seen in the database.
    const before = await this.horizon.advance(pass.epoch);
    if (before === null) return report;
    try {
      await this.sweepCampaigns(pass, before, report, signal);
    } catch (error) {
      if (!(error instanceof EpochMovedError)) throw error;
    }
    return report;
  }

  private async openPass(): Promise<GatePass | null> {
    return passOf(await this.database.read((unit) => unit.gate.read()));
  }

  private async releaseDiscarded(pass: GatePass, report: { released: number }, signal?: AbortSignal): Promise<void> {
    for (let afterId = 0; signal?.aborted !== true;) {
      const rows = await this.database.read((unit) => unit.failedEvents.unreleased(DISCARDED_PAGE, afterId));
      const last = rows.at(-1);
      if (last === undefined) return;
      report.released += await this.slots.release(pass, rows);
      afterId = last.id;
    }
  }

  private async sweepCampaigns(
    pass: GatePass,
    before: number,
    report: { -readonly [K in keyof SweepReport]: number },
    signal?: AbortSignal,
  ): Promise<void> {
    for (let after = ''; signal?.aborted !== true;) {
      const campaigns = await this.database.read((unit) => unit.campaigns.listAfter(after, CAMPAIGN_PAGE));
      const last = campaigns.at(-1);
      if (last === undefined) return;
      const ids = campaigns.map(({ id }) => id);
      for (const gauge of await this.gate.gauge(pass, ids)) {
        if (gauge.kind === 'fenced') {
          this.watch.reportCampaignFence(pass, gauge);
        } else if (gauge.oldestPendingAt !== null && gauge.oldestPendingAt < before) {
          await this.sweepCampaign(pass, gauge.campaignId, before, report, signal);
        }
      }
      after = last.id;
    }
  }

  private async sweepCampaign(
    pass: GatePass,
    campaignId: string,
    before: number,
    report: { -readonly [K in keyof SweepReport]: number },
    signal?: AbortSignal,
  ): Promise<void> {
    let handled: string | undefined;
    while (signal?.aborted !== true) {
      // Always from the front: what is handled leaves the gate, and so would move a later page.
      const page = await this.gate.pendingBefore(pass, campaignId, before, PENDING_PAGE, 0);
      if (page.kind === 'fenced') return this.watch.reportCampaignFence(pass, page);
      const first = page.claims[0];
      // The gate kept what it was told to forget; going on would be going round.
      if (first === undefined || first.claimId === handled) return;
      handled = first.claimId;

      const { settled, discarded, recorded } = await this.settle(pass, campaignId, page.claims);
      await this.gate.clearPending(pass, [...settled, ...recorded]);
      report.cleared += settled.length;
      report.recorded += recorded.length;
      report.released += await this.slots.release(pass, discarded);
    }
  }

  /** Looks the claims up, and makes failed events of those that are nowhere. */
  private async settle(pass: GatePass, campaignId: string, page: readonly Claim[]) {
    const seen = await this.database.read((unit) => lookUp(unit, page));
    if (seen.missing.length === 0) return { ...seen, recorded: [] };
    // The api's fallback may insert the same claim without our locks: read again, and find its row.
    const found = await inCaseOfCollision('duplicate', () => this.record(pass, campaignId, seen.missing));
    return {
      settled: [...seen.settled, ...found.settled],
      discarded: [...seen.discarded, ...found.discarded],
      recorded: found.missing,
    };
  }

  /**
   * Under the lock of the campaign, which the consumer and every other sweeper need too: none of them can write about
   * these claims between the second look and the insert. And under a share of the gate row, in the epoch in which the
   * entries were read: a later one may have given their slots away.
   * @throws EpochMovedError
   */
  private record(pass: GatePass, campaignId: string, missing: readonly Claim[]): Promise<Findings> {
    return this.database.transaction(async (unit) => {
      const { epoch, fence } = await unit.gate.lockShared();
      if (epoch !== pass.epoch || fence === null) throw new EpochMovedError(`epoch ${pass.epoch} is over`);
      await unit.campaigns.lock([campaignId]);
      const found = await lookUp(unit, missing);
      await unit.failedEvents.addUnpublished(
        found.missing.map((entry) => ({
          claim: { ...entry, epoch: pass.epoch },
          source: 'SWEEPER' as const,
          failure: NEVER_ARRIVED,
        })),
      );
      return found;
    });
  }
}

async function lookUp(unit: UnitOfWork, entries: readonly Claim[]): Promise<Findings> {
  const coupons = await unit.coupons.findByUsers(entries);
  const rows = await unit.failedEvents.findByClaimIds(entries.map(({ claimId }) => claimId));
  const holders = new Set(coupons.map(({ userId }) => userId));
  const rowOf = new Map(rows.map((row) => [row.claim?.claimId, row]));
  const settled: Claim[] = [];
  const discarded: FailedEvent[] = [];
  const missing: Claim[] = [];
  for (const entry of entries) {
    const row = rowOf.get(entry.claimId);
    // The coupon first: it holds the slot, also when this very claim was discarded.
    if (holders.has(entry.userId)) settled.push(entry);
    else if (row === undefined) missing.push(entry);
    else if (row.status === 'DISCARDED') discarded.push(row);
    else settled.push(entry);
  }
  return { settled, discarded, missing };
}
