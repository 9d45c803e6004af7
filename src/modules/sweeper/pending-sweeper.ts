import { Injectable } from '@nestjs/common';
import { type Claim } from '../../domain/claim.js';
import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { Clock } from '../../platform/flow/clock.js';
import { inCaseOfCollision } from '../../ports/database/collision.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import { type FailedEvent, type Failure } from '../../ports/database/failed-event-store.js';
import { passOf } from '../../ports/gate/gate-pass.js';
import { type CampaignGauge, type GatePass, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { ConsumedHorizon } from '../../ports/log/consumed-horizon.js';
import { DiscardedSlots } from '../gate-watch/discarded-slots.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { QuietCampaigns } from '../gate-watch/quiet-campaigns.js';

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
  /** Pending entries that were cleared, because their claim is in the database. */
  readonly cleared: number;
  /** Slots of discarded claims that went back to the stock. */
  readonly released: number;
  /** Claims that never arrived, and now have a failed event. */
  readonly recorded: number;
}

/** What the database says about pending claims. */
interface Findings {
  /** They have a coupon or a failed event, so their pending entry can go. */
  readonly settled: readonly Claim[];
  readonly discarded: readonly FailedEvent[];
  readonly missing: readonly Claim[];
}

/** The epoch of the pass is over; what was seen under it says nothing about the next one. */
class EpochMovedError extends Error {
  override readonly name = 'EpochMovedError';
}

/**
 * Finds claims that the gate admitted and that did not become durable, because an api died between gate and log or an
 * acknowledgement never came. It publishes nothing itself: such a claim becomes a failed event, which the drainer
 * publishes. It also releases the slots of discarded claims whose gate call failed.
 *
 * Any number of processes may sweep at once. Every step can be repeated, and two that insert the same claim get one
 * row.
 */
@Injectable()
export class PendingSweeper {
  private readonly horizon: ConsumedHorizon;

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    log: ClaimLog,
    private readonly slots: DiscardedSlots,
    private readonly quiet: QuietCampaigns,
    clock: Clock,
  ) {
    this.horizon = new ConsumedHorizon(log, () => gate.now(), clock);
  }

  /**
   * One round over everything. Does nothing while no epoch is open, and ends early when the epoch moves on.
   *
   * Rejects with the error of database, gate or log; the next round does the rest.
   */
  async sweep(signal?: AbortSignal): Promise<SweepReport> {
    const pass = await this.openPass();
    const report = { cleared: 0, released: 0, recorded: 0 };
    if (pass === null) return report;
    await this.releaseDiscarded(pass, report, signal);
    // Before the pending entries are read: then the database shows what the consumer has settled by this horizon.
    const before = await this.findOverdue(pass.epoch);
    if (before === null) return report;
    try {
      await this.sweepCampaigns(pass, before, report, signal);
    } catch (error) {
      if (!(error instanceof EpochMovedError)) throw error;
    }
    return report;
  }

  /**
   * The instant (ms, the gate's clock) before which every claim admitted under this epoch has been consumed or never
   * reached the log; null when that is not known yet. A claim admitted before `consumed − D` was on the log by `consumed`,
   * or never gets there. Another epoch may have another gate with another clock.
   *
   * A copy may land later than D: a write that timed out in a socket, or a repeat that the user asked for. If the
   * sweeper has written a row for it by then, the claim is published twice, which the consumer settles without effect.
   */
  private async findOverdue(epoch: number): Promise<number | null> {
    const consumed = await this.horizon.advance(epoch);
    // mutant: trusted-clock
    return consumed === null ? null : consumed - CLAIM_DEADLINE_MS;
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
      const campaigns = await this.database.read((unit) => unit.campaigns.listAtGate(after, CAMPAIGN_PAGE));
      const last = campaigns.at(-1);
      if (last === undefined) return;
      const ids = campaigns.filter((campaign) => !this.quiet.isQuiet(pass, campaign)).map(({ id }) => id);
      after = last.id;
      if (ids.length === 0) continue;
      const gauges = await this.gate.gauge(pass, ids);
      const now = await this.gate.now();
      for (const gauge of gauges) {
        if (gauge.kind === 'fenced') {
          this.watch.reportCampaignFence(pass, gauge);
          continue;
        }
        // mutant: future-unswept
        if (gauge.pending > 0 && gauge.lastAt > now) await this.redate(pass, gauge);
        if (gauge.oldestPendingAt !== null && gauge.oldestPendingAt < before) {
          await this.sweepCampaign(pass, gauge.campaignId, before, report, signal);
        }
      }
    }
  }

  /**
   * After the gate's clock was set back, entries may lie in the future. Their claims were admitted before now, so "pending
   * since now" is true enough: a later sweep finds them as it finds all others.
   */
  private async redate(pass: GatePass, { campaignId, pending }: CampaignGauge): Promise<void> {
    for (let left = pending; left > 0; left -= PENDING_PAGE) {
      const outcome = await this.gate.redatePending(pass, campaignId, PENDING_PAGE);
      if (outcome.kind === 'fenced' || outcome.count < PENDING_PAGE) return;
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
      // Always the first page: handled entries leave the gate, and later pages would shift.
      const page = await this.gate.pendingBefore(pass, campaignId, before, PENDING_PAGE, 0);
      if (page.kind === 'fenced') return this.watch.reportCampaignFence(pass, page);
      const first = page.claims[0];
      // The gate still has the entry that was just cleared. Stop here, or this would loop.
      if (first === undefined || first.claimId === handled) return;
      handled = first.claimId;

      const { settled, discarded, recorded } = await this.settle(pass, campaignId, page.claims);
      await this.gate.clearPending(pass, [...settled, ...recorded]);
      report.cleared += settled.length;
      report.recorded += recorded.length;
      report.released += await this.slots.release(pass, discarded);
    }
  }

  /** Looks the claims up, and makes failed events of those that are not in the database. */
  private async settle(pass: GatePass, campaignId: string, page: readonly Claim[]) {
    const seen = await this.database.read((unit) => lookUp(unit, page));
    if (seen.missing.length === 0) return { ...seen, recorded: [] };
    // The api's fallback may insert the same claim without our locks. Then read again, and find its row.
    const found = await inCaseOfCollision('duplicate', () => this.record(pass, campaignId, seen.missing));
    return {
      settled: [...seen.settled, ...found.settled],
      discarded: [...seen.discarded, ...found.discarded],
      recorded: found.missing,
    };
  }

  /**
   * Takes the lock of the campaign, which the consumer and every other sweeper need too: so none of them can write
   * about these claims between the second look and the insert. It also takes a share of the gate row and checks that
   * the epoch is still the one of the entries: a later epoch may have given their slots to other users.
   * @throws EpochMovedError
   */
  private record(pass: GatePass, campaignId: string, missing: readonly Claim[]): Promise<Findings> {
    return this.database.transaction(async (unit) => {
      const { epoch, fence } = await unit.gate.lockShared();
      // mutant: epoch-not-asked-again
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
    // The coupon first: it holds the slot, even if this claim was discarded.
    if (holders.has(entry.userId)) settled.push(entry);
    else if (row === undefined) missing.push(entry);
    else if (row.status === 'DISCARDED') discarded.push(row);
    else settled.push(entry);
  }
  return { settled, discarded, missing };
}
