import { Injectable } from '@nestjs/common';
import { mayBeOpening } from '../../domain/campaign.js';
import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { Clock } from '../../platform/flow/clock.js';
import { NaturalBatcher } from '../../platform/flow/natural-batcher.js';
import { Timers } from '../../platform/flow/timers.js';
import { DeadlineError, withDeadline } from '../../platform/flow/with-deadline.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database } from '../../ports/database/database.js';
import { type FenceReason, type GatePass, IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { openMissing } from './open-missing.js';

/** How long an answer of the database is kept, ms: short, since a campaign may be made at any moment. */
const KEPT_MS = 1_000;
/** That a campaign has left the gate is final. It is asked again only because a database may have been restored, ms. */
const LEFT_KEPT_MS = 60_000;
const MAX_KEPT = 10_000;
/** One query at a time. */
const BATCHING = { maxBatch: 500, maxWaiting: 5_000, maxInFlight: 1 };

/** A database that takes too long counts as one that is away. */
const late = (): Error =>
  new DatabaseError('infrastructure', 'LATE', 'the database did not tell in time whether a campaign exists');

/**
 * `left`: the campaign is closed and has left the gate, so the database answers for it. `opening`: it was not at the gate yet,
 * or the gate of before is over. `fenced`: the gate's memory is damaged.
 */
export type FenceMeaning = 'campaign-not-found' | 'left' | 'opening' | 'fenced';

const FENCED = Promise.resolve('fenced' as const);

/**
 * Tells a campaign that does not exist from one that the gate has lost: the gate answers both alike. It keeps answers
 * for a second and asks for several ids in one query, so that a flood of invented ids does not become a flood of
 * queries.
 */
@Injectable()
export class KnownCampaigns {
  private readonly kept = new Map<string, { answer: Promise<FenceMeaning>; until: number }>();

  /** Each takes at most half of a claim's budget, so that a silent database does not use it up. */
  private readonly questions: NaturalBatcher<string, FenceMeaning>;

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {
    const patience = { ms: CLAIM_DEADLINE_MS / 2, waited: late, unanswered: late };
    this.questions = new NaturalBatcher((ids) => this.ask(ids), BATCHING, clock, timers, patience);
  }

  /**
   * What it means that a call for this campaign met a fence under this pass. Opens the campaign if it never was at the
   * gate: the next call finds it there.
   * @throws DatabaseError, GateUnavailableError, GateTimeoutError, after two seconds at the latest.
   */
  explain(pass: GatePass, campaignId: string, reason: FenceReason): Promise<FenceMeaning> {
    if (reason !== 'meta-missing') return FENCED;
    const now = this.clock.monotonic();
    const known = this.kept.get(campaignId);
    if (known !== undefined && known.until > now) return known.answer;
    if (this.questions.full) return Promise.reject(late());
    if (this.kept.size >= MAX_KEPT) this.kept.clear();
    const asked = { answer: this.findOut(pass, campaignId), until: now + KEPT_MS };
    this.kept.set(campaignId, asked);
    asked.answer.then(
      (meaning) => {
        if (meaning === 'left') asked.until = now + LEFT_KEPT_MS;
      },
      () => {
        // Delete only this question: when it is given up, a later one for the same id may be under way.
        if (this.kept.get(campaignId) === asked) this.kept.delete(campaignId);
      },
    );
    return asked.answer;
  }

  private async findOut(pass: GatePass, campaignId: string): Promise<FenceMeaning> {
    const byAge = await this.questions.add(campaignId);
    if (byAge === 'campaign-not-found' || byAge === 'left') return byAge;
    const opening = openMissing(this.database, this.gate, pass, campaignId);
    const { kind } = await withDeadline(opening, CLAIM_DEADLINE_MS / 2, this.timers).catch((error: unknown) => {
      throw error instanceof DeadlineError ? late() : (error as Error);
    });
    if (kind === 'fenced' || kind === 'left') return kind;
    return kind === 'unsupported' ? byAge : 'opening';
  }

  /** By their age alone. */
  private ask(ids: readonly string[]): Promise<FenceMeaning[]> {
    return this.database.read(async (unit) => {
      const found = new Map((await unit.campaigns.findMany(ids)).map((campaign) => [campaign.id, campaign]));
      const now = await unit.now();
      return ids.map((id) => {
        const campaign = found.get(id);
        if (campaign === undefined) return 'campaign-not-found';
        if (campaign.leftGateAt !== null) return 'left';
        return mayBeOpening(campaign, now) ? 'opening' : 'fenced';
      });
    });
  }
}
