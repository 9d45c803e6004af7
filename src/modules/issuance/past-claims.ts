import { Injectable } from '@nestjs/common';
import { type ClaimHolder, type ClaimRecord, holderKey } from '../../domain/claim.js';
import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { Clock } from '../../platform/flow/clock.js';
import { NaturalBatcher } from '../../platform/flow/natural-batcher.js';
import { Timers } from '../../platform/flow/timers.js';
import { putNewest } from '../../platform/values/put-newest.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database } from '../../ports/database/database.js';

/** How long an answer is kept, ms. A campaign that has left the gate gets no new claims, so it hardly ever changes. */
const KEPT_MS = 60_000;
/** Users whose answer is kept: some 4 MB. */
const MAX_KEPT = 20_000;
/** One query at a time. */
const BATCHING = { maxBatch: 500, maxWaiting: 5_000, maxInFlight: 1 };

/** A database that takes too long counts as one that is away. */
const late = (): Error =>
  new DatabaseError('infrastructure', 'LATE', 'the database did not tell in time whether a user has a coupon');

/**
 * The claims of campaigns that have left the gate: each of them is a coupon. A user who asks again is answered from
 * memory, and users who ask for the first time share one query. So many callers of a campaign that is over do not
 * become many queries: at most one runs at a time, and those who cannot wait for it are refused for now.
 */
@Injectable()
export class PastClaims {
  private readonly kept = new Map<string, { readonly answer: Promise<ClaimRecord | null>; readonly until: number }>();
  private readonly questions: NaturalBatcher<ClaimHolder, ClaimRecord | null>;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    timers: Timers,
  ) {
    const patience = { ms: CLAIM_DEADLINE_MS / 2, waited: late, unanswered: late };
    this.questions = new NaturalBatcher((holders) => this.ask(holders), BATCHING, clock, timers, patience);
  }

  /**
   * The claim of this user that is a coupon; null when there is none.
   * @throws DatabaseError, after a second at the latest.
   */
  find({ campaignId, userId }: ClaimHolder): Promise<ClaimRecord | null> {
    const key = holderKey({ campaignId, userId });
    const now = this.clock.monotonic();
    const known = this.kept.get(key);
    // mutant: past-claims-unkept
    if (known !== undefined && known.until > now) return known.answer;
    if (this.questions.full) return Promise.reject(late());
    const asked = { answer: this.questions.add({ campaignId, userId }), until: now + KEPT_MS };
    putNewest(this.kept, key, asked, MAX_KEPT);
    asked.answer.catch(() => {
      if (this.kept.get(key) === asked) this.kept.delete(key);
    });
    return asked.answer;
  }

  private async ask(holders: readonly ClaimHolder[]): Promise<(ClaimRecord | null)[]> {
    const coupons = await this.database.read((unit) => unit.coupons.findByUsers(holders));
    const found = new Map(coupons.map((coupon) => [holderKey(coupon), coupon]));
    return holders.map((holder) => found.get(holderKey(holder)) ?? null);
  }
}
