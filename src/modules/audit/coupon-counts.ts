import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { Timers } from '../../platform/flow/timers.js';
import { Database } from '../../ports/database/database.js';

/** Coupons that one statement counts: some ms of a server, and of the one connection of the embedded profile. */
const PAGE = 10_000;
/** A count that takes longer goes on without the audit that asked for it, ms. */
const PATIENCE_MS = 150;
/** After a count that took t ms, beyond the patience, the next one begins REST × t ms later. */
const REST = 50;
/** But not later than this, ms. */
const MAX_REST_MS = 300_000;

/** A campaign at the instant whose coupons are to be counted. Taken under the lock of the campaign's row. */
export interface CountedInstant {
  readonly campaignId: string;
  /** The counter in the campaign's row. */
  readonly issued: number;
  /** The highest id of any coupon. */
  readonly lastCouponId: number;
}

/** What a full count has found. */
export interface CouponCount {
  /** Rows − counter: 0 while nothing is wrong. */
  readonly surplus: number;
  /** Of which instant this is, by both clocks, ms. */
  readonly monotonic: number;
  readonly wall: number;
}

interface Counting {
  last: CouponCount | null;
  running: Promise<CouponCount> | null;
  /** Monotonic, ms. */
  nextFrom: number;
}

/**
 * Counts the coupons of campaigns, and compares each count with the campaign's counter at one instant.
 *
 * The counter alone proves nothing: the audit exists to find it wrong. So every row is counted, but in pages, without a
 * lock and without a long transaction: ten million rows take a server seconds, and no statement may hold up claims for so
 * long. Coupons that are made meanwhile have a higher id than the last one of the instant, and do not count.
 *
 * A small campaign is counted anew by every audit. A large one is counted in the background: an audit waits for at most
 * `PATIENCE_MS`, and then takes the last count, which says how old it is. It waits for the first count to its end.
 */
@Injectable()
export class CouponCounts {
  private readonly campaigns = new Map<string, Counting>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {}

  /** Rejects with `DatabaseError` when no count is known and none can be made. */
  async countAt(instant: CountedInstant): Promise<CouponCount> {
    const { campaignId } = instant;
    const counting = this.campaigns.get(campaignId) ?? { last: null, running: null, nextFrom: 0 };
    this.campaigns.set(campaignId, counting);
    const { last } = counting;
    if (counting.running === null) {
      if (last !== null && this.clock.monotonic() < counting.nextFrom) return last;
      counting.running = this.count(instant, counting);
    }
    if (last === null) return counting.running;
    // A count that fails leaves the last one, which grows old, and the age is what is watched.
    const done = counting.running.catch(() => last);
    const impatient = new AbortController();
    try {
      return await Promise.race([done, this.timers.sleep(PATIENCE_MS, impatient.signal).then(() => last)]);
    } finally {
      impatient.abort();
    }
  }

  private async count({ campaignId, issued, lastCouponId }: CountedInstant, counting: Counting): Promise<CouponCount> {
    const at = this.clock.now();
    try {
      let rows = 0;
      let after: string | null = '';
      while (after !== null) {
        const from: string = after;
        const page = await this.database.read((unit) => unit.coupons.countNext(campaignId, from, PAGE, lastCouponId));
        rows += page.counted;
        after = page.lastUserId;
      }
      counting.last = { surplus: rows - issued, ...at };
      return counting.last;
    } finally {
      const now = this.clock.monotonic();
      const took = now - at.monotonic;
      counting.nextFrom = took <= PATIENCE_MS ? now : now + Math.min(REST * took, MAX_REST_MS);
      counting.running = null;
    }
  }
}
