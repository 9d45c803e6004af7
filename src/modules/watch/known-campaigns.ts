import { Injectable } from '@nestjs/common';
import { mayBeOpening } from '../../domain/campaign.js';
import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { Clock } from '../../platform/flow/clock.js';
import { NaturalBatcher } from '../../platform/flow/natural-batcher.js';
import { Timers } from '../../platform/flow/timers.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database } from '../../ports/database/database.js';
import { type FenceReason } from '../../ports/gate/issuance-gate.js';

/** How long an answer of the database is believed, ms: short, since a campaign may be made at any moment. */
const BELIEVED_MS = 1_000;
const MAX_REMEMBERED = 10_000;
/** One query at a time. */
const BATCHING = { maxBatch: 500, maxWaiting: 5_000, maxInFlight: 1 };

/** To whoever asks, a database that takes too long is one that is away. */
const late = (): Error =>
  new DatabaseError('infrastructure', 'LATE', 'the database did not tell in time whether a campaign exists');

/**
 * `opening`: the campaign is young. The gate may not know it yet, or may have lost it with a promised claim already.
 * `fenced`: the gate has lost what it has to know.
 */
export type FenceMeaning = 'campaign-not-found' | 'opening' | 'fenced';

const FENCED = Promise.resolve('fenced' as const);

/**
 * Tells a campaign that does not exist from one that the gate has lost: at the gate the two look alike. Answers are
 * remembered for a moment, and what is not known yet is asked for together, so that a flood of invented ids does not
 * become a flood of queries.
 */
@Injectable()
export class KnownCampaigns {
  private readonly remembered = new Map<string, { answer: Promise<FenceMeaning>; until: number }>();

  /** With half of a claim's time at the most: a silent database must not keep those who claim something invented. */
  private readonly questions: NaturalBatcher<string, FenceMeaning>;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    timers: Timers,
  ) {
    const patience = { ms: CLAIM_DEADLINE_MS / 2, waited: late, unanswered: late };
    this.questions = new NaturalBatcher((ids) => this.ask(ids), BATCHING, clock, timers, patience);
  }

  /**
   * What it means that a call for this campaign met a fence.
   * @throws DatabaseError, after a second at the latest.
   */
  explain(campaignId: string, reason: FenceReason): Promise<FenceMeaning> {
    if (reason !== 'meta-missing') return FENCED;
    const now = this.clock.monotonic();
    const known = this.remembered.get(campaignId);
    if (known !== undefined && known.until > now) return known.answer;
    if (this.questions.full) return Promise.reject(late());
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
    const asked = { answer: this.questions.add(campaignId), until: now + BELIEVED_MS };
    this.remembered.set(campaignId, asked);
    // A question that is given up may have a successor by then, whose answer others wait for.
    asked.answer.catch(() => {
      if (this.remembered.get(campaignId) === asked) this.remembered.delete(campaignId);
    });
    return asked.answer;
  }

  private ask(ids: readonly string[]): Promise<FenceMeaning[]> {
    return this.database.read(async (unit) => {
      const found = new Map((await unit.campaigns.findMany(ids)).map((campaign) => [campaign.id, campaign]));
      const now = await unit.now();
      return ids.map((id) => {
        const campaign = found.get(id);
        if (campaign === undefined) return 'campaign-not-found';
        return mayBeOpening(campaign, now) ? 'opening' : 'fenced';
      });
    });
  }
}
