import { Injectable } from '@nestjs/common';
import { type Claim } from '../../domain/claim.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import { type FailedEventStatus } from '../../ports/database/failed-event-store.js';
import {
  type CampaignGauge,
  type GatePass,
  GateTimeoutError,
  GateUnavailableError,
  IssuanceGate,
} from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { type CountedInstant, CouponCounts } from './coupon-counts.js';

/** Drift counts only when this many looks in a row find it, because gate and database are read one after the other. */
const LOOKS = 3;
const PENDING_PAGE = 500;
/** Pending claims that one audit compares one by one. With more, it may miss drift, but never reports a false one. */
const MAX_PENDING = 5_000;
/** The same limit for failed events; with more, it takes the number of those that are not resolved. */
const MAX_SLOT_HOLDERS = 500;

/** What gate and database say about one campaign. */
export interface CampaignAudit {
  campaignId: string;
  /** The total of the campaign's row. */
  total: number;
  /**
   * Claims that hold a slot at the gate; null while the gate cannot be trusted or reached, and once the campaign has left
   * it.
   */
  gate: number | null;
  /** Of these, claims that were not seen in the database yet; null as above. */
  pending: number | null;
  /** ms by the gate's clock; null when nothing is pending. */
  oldestPendingMs: number | null;
  /** ms since 1970; null: the campaign has not left the gate. */
  leftGateAt: number | null;
  /** The counter in the campaign's row. */
  issued: number;
  /** Coupon rows, at the instant at which the gate was read: as many as were counted, and what the counter rose since. */
  rows: number;
  /** ISO 8601: the instant whose rows were counted. See `CouponCounts`. */
  rowsCountedAt: string;
  failed: Record<FailedEventStatus, number>;
  /** See `PromiseAudit`; 0 when all promises hold. */
  drift: number;
}

interface GateView {
  readonly gauge: CampaignGauge;
  readonly now: number;
}

/** Gate and counter at one instant: while both were read, no coupon of the campaign could be committed. */
interface LockedView extends CountedInstant {
  readonly total: number;
  readonly leftGateAt: number | null;
  readonly gate: GateView | null;
}

interface DatabaseView {
  readonly total: number;
  readonly issued: number;
  readonly failed: Record<FailedEventStatus, number>;
  /** Users who hold a slot only by a failed event; one more than `MAX_SLOT_HOLDERS` where there are more. */
  readonly slotHolders: readonly { userId: string; claimId: string }[];
  /** Users whose claim the gate called pending before, and who have a coupon. */
  readonly pendingIssued: ReadonlySet<string>;
}

/**
 * Compares what was promised with what is there. Drift is the sum of
 *
 * - `|issued − rows|`: a coupon row vanished, or the counter is wrong;
 * - `max(0, rows − total)`: oversold;
 * - *unexplained*: claims at the gate that are not pending and have neither a coupon nor a failed event;
 * - *missing*: coupons whose claim is not at the gate, so that the gate could give the slot out again.
 *
 * A claim in flight is pending, so it counts in none of them. A claim that has its coupon and is still pending
 * (committed, not cleared yet) is found by comparing claim by claim. While claims move, the order of the readings can
 * only hide a difference: the gate's settled claims are read before the database, which knows all of them by then; the
 * gate's sum is read after the database, and includes every coupon by then. While the gate is untrusted, only the first
 * two are known.
 *
 * The answer belongs to one instant. Gate and counter are read under the lock of the campaign's row, which every
 * transaction that makes a coupon needs. The rows are counted without a lock, since that may take seconds, and as they
 * were at such an instant; by how many they differ from its counter is what counts. So `gate − pending ≤ rows + failed`
 * and `rows ≤ gate` hold whenever nothing is wrong, also while claims move. The rows of a large campaign may have been
 * counted up to some minutes earlier.
 */
@Injectable()
export class PromiseAudit {
  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly counts: CouponCounts,
  ) {}

  /** null when there is no such campaign. Rejects with `DatabaseError` when the database does not answer. */
  async audit(campaignId: string): Promise<CampaignAudit | null> {
    let best: CampaignAudit | null = null;
    for (let look = 0; look < LOOKS; look++) {
      const seen = await this.compareOnce(campaignId);
      if (seen === null) return null;
      if (best === null || seen.drift <= best.drift) best = seen;
      if (best.drift === 0) break;
    }
    return best;
  }

  private async compareOnce(campaignId: string): Promise<CampaignAudit | null> {
    const { pass } = this.watch;
    const locked = await this.readUnderLock(pass, campaignId);
    if (locked === null) return null;
    const { total, issued, leftGateAt, gate: before } = locked;
    const { surplus, wall: countedAt } = await this.counts.countAt(locked);
    const pendingClaims = pass === null || before === null ? [] : await this.listPending(pass, campaignId);
    const stored = await this.database.snapshot((unit) => this.readDatabase(unit, campaignId, pendingClaims ?? []));
    if (stored === null) return null;
    const { failed } = stored;
    const rows = stored.issued + surplus;
    const drift = Math.abs(surplus) + Math.max(0, rows - stored.total);
    const audit: CampaignAudit = {
      campaignId,
      total,
      gate: null,
      pending: null,
      oldestPendingMs: null,
      leftGateAt,
      issued,
      rows: issued + surplus,
      rowsCountedAt: new Date(countedAt).toISOString(),
      failed,
      drift,
    };
    if (pass === null || before === null || pendingClaims === null) return audit;
    const pendingUsers = new Set(pendingClaims.map(({ userId }) => userId));
    const found = await this.countHolders(pass, campaignId, pendingUsers, stored.slotHolders);
    const after = await this.readGauge(pass, campaignId);
    if (found === null || after === null) return audit;

    const { claimed, pending, oldestPendingAt } = before.gauge;
    const holders = stored.slotHolders.length <= MAX_SLOT_HOLDERS ? found : countUnfinished(failed);
    const unexplained = Math.max(0, claimed - pending - (rows - stored.pendingIssued.size) - holders);
    const missing = Math.max(0, rows + (pendingUsers.size - stored.pendingIssued.size) + found - after.claimed);
    return {
      ...audit,
      gate: claimed,
      pending,
      oldestPendingMs: oldestPendingAt === null ? null : Math.max(0, before.now - oldestPendingAt),
      drift: drift + unexplained + missing,
    };
  }

  /** null when there is no such campaign. The lock is held for one call to the gate. */
  private async readUnderLock(pass: GatePass | null, campaignId: string): Promise<LockedView | null> {
    // Before the lock, so that a slow gate does not make others wait for the row.
    const now = pass === null ? null : await this.nullWhileAway(() => this.gate.now());
    return this.database.transaction(async (unit) => {
      const [campaign] = await unit.campaigns.lock([campaignId]);
      if (campaign === undefined) return null;
      const { total, issued, leftGateAt } = campaign;
      // After the lock: coupons of this campaign that are made later have a higher id.
      const lastCouponId = await unit.coupons.lastId();
      const asked = pass !== null && now !== null && leftGateAt === null;
      const gauge = asked ? await this.readGauge(pass, campaignId) : null;
      const gate = gauge === null || now === null ? null : { gauge, now };
      return { campaignId, total, issued, leftGateAt, lastCouponId, gate };
    });
  }

  /** Read it after the gauge: what is pending here was pending there, or is newer. null while the gate is away. */
  private async listPending(pass: GatePass, campaignId: string): Promise<Claim[] | null> {
    return this.nullWhileAway(async () => {
      const pending: Claim[] = [];
      while (pending.length < MAX_PENDING) {
        const page = await this.gate.pendingBefore(
          pass,
          campaignId,
          Number.MAX_SAFE_INTEGER,
          PENDING_PAGE,
          pending.length,
        );
        if (page.kind === 'fenced') return null;
        pending.push(...page.claims);
        if (page.claims.length < PENDING_PAGE) break;
      }
      return onePerUser(pending);
    });
  }

  private async readGauge(pass: GatePass, campaignId: string): Promise<CampaignGauge | null> {
    return this.nullWhileAway(async () => {
      const [gauge] = await this.gate.gauge(pass, [campaignId]);
      return gauge?.kind === 'gauge' ? gauge : null;
    });
  }

  /**
   * How many users hold a slot at the gate only by a failed event and are not pending. Looks each of them up: a forged
   * message has a failed event and no slot.
   */
  private async countHolders(
    pass: GatePass,
    campaignId: string,
    pendingUsers: ReadonlySet<string>,
    slotHolders: DatabaseView['slotHolders'],
  ): Promise<number | null> {
    const claimIds = new Set(slotHolders.map(({ claimId }) => claimId));
    const users = new Set(slotHolders.map(({ userId }) => userId).filter((userId) => !pendingUsers.has(userId)));
    return this.nullWhileAway(async () => {
      const outcomes = await Promise.all([...users].map((userId) => this.gate.lookUp(pass, campaignId, userId)));
      return outcomes.filter((outcome) => outcome.kind === 'found' && claimIds.has(outcome.record.claimId)).length;
    });
  }

  private async readDatabase(
    unit: UnitOfWork,
    campaignId: string,
    pending: readonly Claim[],
  ): Promise<DatabaseView | null> {
    const campaign = await unit.campaigns.find(campaignId);
    if (campaign === null) return null;
    const pendingIssued = new Set<string>();
    for (let first = 0; first < pending.length; first += PENDING_PAGE) {
      const page = pending.slice(first, first + PENDING_PAGE);
      for (const { userId } of await unit.coupons.findByUsers(page)) pendingIssued.add(userId);
    }
    return {
      total: campaign.total,
      issued: campaign.issued,
      failed: await unit.failedEvents.countByStatus(campaignId),
      slotHolders: await unit.failedEvents.slotHolders(campaignId, MAX_SLOT_HOLDERS + 1),
      pendingIssued,
    };
  }

  /** null while the gate is away: the audit then shows only what the database knows. */
  private async nullWhileAway<T>(work: () => Promise<T | null>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof GateUnavailableError || error instanceof GateTimeoutError)) throw error;
      return null;
    }
  }
}

/** At least as many as hold a slot. A DISCARDED row whose slot is free again counts too, which can only hide drift. */
function countUnfinished(failed: Record<FailedEventStatus, number>): number {
  const { RESOLVED: _resolved, ...others } = failed;
  return Object.values(others).reduce((sum, count) => sum + count, 0);
}

/** Two pages may name the same claim when entries were cleared between the readings. */
function onePerUser(pending: readonly Claim[]): Claim[] {
  return [...new Map(pending.map((claim) => [claim.userId, claim])).values()];
}
