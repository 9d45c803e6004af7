import { Injectable } from '@nestjs/common';
import { type ChallengeKind } from '../../domain/campaign.js';
import { AppConfig } from '../../platform/config/env.js';
import { Clock } from '../../platform/flow/clock.js';
import { NaturalBatcher } from '../../platform/flow/natural-batcher.js';
import { Timers } from '../../platform/flow/timers.js';
import { type EntryCampaign } from '../../ports/database/campaign-store.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database } from '../../ports/database/database.js';
import { type ChallengeVerdict, ChallengeVerifiers } from '../../ports/entry/challenge-verifier.js';
import { EntryBook } from './entry-book.js';
import { signEntryToken } from './entry-token.js';
import { EntryMetrics } from './entry.metrics.js';

/** How long a token is good, ms: callers may get it before a sale begins, and not hoard it for days. */
const LIFETIME_MS = 3_600_000;
/** The same, ms, of a token without a check. It says that the challenge was passed, also when it can be judged again. */
const UNCHECKED_LIFETIME_MS = 600_000;

/** One query at a time, so that a flood of invented ids does not become a flood of queries. */
const LOOK_UPS = { maxBatch: 500, maxWaiting: 5_000, maxInFlight: 1 };
const LOOK_UP_MS = 5_000;

const late = (): Error => new DatabaseError('infrastructure', 'LATE', 'the database did not find a campaign in time');

export type EntryRefusal = 'campaign-not-found' | 'challenge-failed' | 'challenge-unavailable';

export type EntryOutcome =
  | { readonly kind: 'admitted'; readonly token: string; readonly notBefore: number; readonly expiresAt: number }
  | { readonly kind: EntryRefusal };

export type PosedOutcome =
  | { readonly kind: 'posed'; readonly challenge: ChallengeKind; readonly members: Readonly<Record<string, unknown>> }
  | { readonly kind: Exclude<EntryRefusal, 'challenge-failed'> };

/**
 * Hands out entry tokens to callers who have passed the campaign's challenge. It stores nothing: a token or a passed
 * challenge that is used twice lets the same user in twice, and a user gets one coupon (ADR 31).
 */
@Injectable()
export class EntryDesk {
  private readonly failsOpen: boolean;
  private readonly lookUps: NaturalBatcher<string, EntryCampaign | null>;

  constructor(
    private readonly database: Database,
    private readonly book: EntryBook,
    private readonly verifiers: ChallengeVerifiers,
    private readonly metrics: EntryMetrics,
    private readonly clock: Clock,
    timers: Timers,
    { entry }: AppConfig,
  ) {
    const patience = { ms: LOOK_UP_MS, waited: late, unanswered: late };
    this.lookUps = new NaturalBatcher((ids) => this.lookUp(ids), LOOK_UPS, clock, timers, patience);
    this.failsOpen = entry.challengeFailsOpen;
  }

  /** @throws DatabaseError */
  async pose(campaignId: string, userId: string): Promise<PosedOutcome> {
    const campaign = await this.find(campaignId);
    if (campaign === null) return { kind: 'campaign-not-found' };
    const { challenge, challengeCost: cost } = campaign;
    if (challenge === 'none') return { kind: 'posed', challenge, members: {} };
    const verifier = this.verifiers.of(challenge);
    if (verifier === undefined || this.book.signing === null) return { kind: 'challenge-unavailable' };
    const members = await verifier.pose({ campaignId, userId, cost, keys: this.book });
    return { kind: 'posed', challenge, members };
  }

  /**
   * @param answer to the challenge; undefined without one.
   * @throws DatabaseError
   */
  async enter(campaignId: string, userId: string, answer: string | undefined): Promise<EntryOutcome> {
    const campaign = await this.find(campaignId);
    if (campaign === null) return { kind: 'campaign-not-found' };
    const verdict = await this.verdictOn(campaign, userId, answer);
    const { signing } = this.book;
    const isUnchecked = verdict === 'unavailable' && this.failsOpen;
    if (verdict === 'failed') {
      this.metrics.count('failed');
      return { kind: 'challenge-failed' };
    }
    if (signing === null || (verdict === 'unavailable' && !isUnchecked)) {
      this.metrics.count('unavailable');
      return { kind: 'challenge-unavailable' };
    }
    this.metrics.count(isUnchecked ? 'unchecked' : 'admitted');
    const { challenge } = campaign;
    const notBefore = this.clock.wall();
    // mutant: unchecked-entry
    const expiresAt = notBefore + (isUnchecked ? UNCHECKED_LIFETIME_MS : LIFETIME_MS);
    const token = signEntryToken({ campaignId, userId, challenge, notBefore, expiresAt }, signing);
    return { kind: 'admitted', token, notBefore, expiresAt };
  }

  private async verdictOn(
    { id: campaignId, challenge, challengeCost: cost }: EntryCampaign,
    userId: string,
    answer: string | undefined,
  ): Promise<ChallengeVerdict> {
    if (challenge === 'none') return 'passed';
    // Before the verifier is asked: a caller without an answer must not come in while it is away.
    if (answer === undefined) return 'failed';
    const verifier = this.verifiers.of(challenge);
    if (verifier === undefined) return 'unavailable';
    return verifier.verify({ campaignId, userId, cost, keys: this.book }, answer);
  }

  /** From memory where the campaign requires an entry: then a crowd at the entry costs the database nothing. */
  private async find(campaignId: string): Promise<EntryCampaign | null> {
    const known = this.book.termsOf(campaignId);
    if (known !== undefined) return known;
    if (this.lookUps.full) throw late();
    return this.lookUps.add(campaignId);
  }

  private async lookUp(ids: readonly string[]): Promise<(EntryCampaign | null)[]> {
    const found = await this.database.read((unit) => unit.campaigns.findMany([...new Set(ids)]));
    const byId = new Map(found.map((campaign) => [campaign.id, campaign]));
    return ids.map((id) => byId.get(id) ?? null);
  }
}
