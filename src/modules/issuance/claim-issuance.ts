import { Injectable, Logger } from '@nestjs/common';
import { type ClaimEvent, type ClaimRecord, type ClaimRequest } from '../../domain/claim.js';
import { CONFIRM_TIMEOUT_MS } from '../../domain/deadlines.js';
import { CLAIM_REFUSALS, type ClaimRefusal } from '../../domain/refusals.js';
import { Clock } from '../../platform/flow/clock.js';
import { Entropy, unguessableUlidFactory } from '../../platform/flow/entropy.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { Timers } from '../../platform/flow/timers.js';
import { inSpan, type SampledSpan } from '../../platform/tracing/sampled-span.js';
import { digestOf } from '../../platform/values/digest.js';
import { EntryCheck, type EntryFault } from '../../ports/entry/entry-check.js';
import {
  type ClaimOutcome,
  type FenceReason,
  GateBusyError,
  type GatePass,
  type GateRequest,
  GateTimeoutError,
  IssuanceGate,
} from '../../ports/gate/issuance-gate.js';
import { type OutgoingClaim } from '../../ports/log/claim-log.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { type FenceMeaning, KnownCampaigns } from '../gate-watch/known-campaigns.js';
import { ClaimBudget } from './claim-budget.js';
import { ClaimOutage } from './claim-outage.js';
import { ClaimRecorder } from './claim-recorder.js';
import { DiscardedClaims } from './discarded-claims.js';
import { IssuanceMetrics } from './issuance.metrics.js';
import { PastClaims } from './past-claims.js';

/** A user's call for a coupon. */
export interface Application {
  campaignId: string;
  userId: string;
  /** The caller's Idempotency-Key; null without one. */
  idempotencyKey: string | null;
  /** The caller's X-Entry-Token, unread. */
  entryToken?: string | undefined;
  /** The span of the call, if it is traced. */
  span?: SampledSpan | undefined;
}

/** A claim as its user sees it. */
export interface OwnClaim {
  claimId: string;
  campaignId: string;
  sequence: number;
  /** ms, the gate's clock. */
  claimedAt: number;
}

export type ApplicationOutcome =
  /** The claim is durable and becomes a coupon by itself. `replayed`: an earlier call with the same key made it. */
  | { readonly kind: 'accepted'; readonly claim: OwnClaim; readonly replayed: boolean }
  | { readonly kind: 'already-claimed'; readonly claim: OwnClaim }
  | { readonly kind: 'campaign-not-started'; readonly startsAt: number }
  | { readonly kind: 'claim-unconfirmed'; readonly claimId: string }
  | { readonly kind: 'entry-required'; readonly campaignId: string; readonly reason: EntryFault }
  /** `final`: only an operator can make a slot free. Otherwise one may come back by itself. */
  | { readonly kind: 'sold-out'; readonly final: boolean }
  | {
      readonly kind: Exclude<
        ClaimRefusal,
        'already-claimed' | 'campaign-not-started' | 'claim-unconfirmed' | 'entry-required' | 'sold-out'
      >;
    };

/** HTTP → gate → claim log: what happens between a user's call and the answer. */
@Injectable()
export class ClaimIssuance {
  private readonly logger = new Logger(ClaimIssuance.name);
  private readonly nextClaimId: () => string;
  private readonly lookUpOutage: OutageLog;

  constructor(
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly recorder: ClaimRecorder,
    private readonly campaigns: KnownCampaigns,
    private readonly past: PastClaims,
    private readonly discarded: DiscardedClaims,
    private readonly entries: EntryCheck,
    private readonly metrics: IssuanceMetrics,
    private readonly outage: ClaimOutage,
    private readonly clock: Clock,
    private readonly timers: Timers,
    entropy: Entropy,
  ) {
    this.nextClaimId = unguessableUlidFactory(clock, entropy);
    this.lookUpOutage = new OutageLog(this.logger, clock);
  }

  async apply({ campaignId, userId, idempotencyKey, entryToken, span }: Application): Promise<ApplicationOutcome> {
    // mutant: claim-without-entry
    const verdict = this.entries.judge(campaignId, userId, entryToken);
    if (verdict !== 'admitted') return this.keptOut(campaignId, verdict);
    const pass = this.watch.pass;
    // Before the gate: a claim that cannot become durable would hold a slot, and the next claim would hear "sold out".
    if (pass === null || !this.recorder.canRecord) {
      return this.unavailable(campaignId, 'too many claims wait for the claim log');
    }

    const budget = new ClaimBudget(this.clock, this.timers);
    const claimId = this.nextClaimId();
    const idempotencyDigest = idempotencyKey === null ? null : digestOf(idempotencyKey);
    const request = { campaignId, userId, claimId, idempotencyDigest, span };
    let outcome: ClaimOutcome;
    try {
      outcome = await this.gate.claim(pass, request);
    } catch (error) {
      return this.gateFailed(error, campaignId, claimId);
    }

    switch (outcome.kind) {
      case 'admitted': {
        const { sequence, claimedAt } = outcome;
        const event = eventOf({ claimId, sequence, claimedAt, idempotencyDigest }, request, pass);
        const admittedAt = this.clock.monotonic();
        // mutant: early-202
        const durable = await this.recorder.record(event, budget);
        this.metrics.publishDuration.observe((this.clock.monotonic() - admittedAt) / 1_000);
        return durable ? this.accept(event, budget, false) : this.notDurable(event);
      }
      case 'duplicate': {
        const { record, pending } = outcome;
        if (idempotencyDigest === null || record.idempotencyDigest !== idempotencyDigest) {
          this.metrics.count(campaignId, CLAIM_REFUSALS['already-claimed']);
          return { kind: 'already-claimed', claim: ownClaim(record, campaignId) };
        }
        return this.replay(eventOf(record, request, pass), pending, budget);
      }
      case 'fenced':
        return this.fenced(pass, request, outcome.reason, budget);
      default:
        this.metrics.count(campaignId, CLAIM_REFUSALS[outcome.kind]);
        return outcome;
    }
  }

  /**
   * Answers a second call with the same key like the first. While the claim is pending it may not be durable yet, so
   * the api publishes it again. The consumer settles a second copy without effect.
   */
  private async replay(event: OutgoingClaim, pending: boolean, budget: ClaimBudget): Promise<ApplicationOutcome> {
    const durable = !pending || (await this.recorder.record(event, budget));
    if (!durable) return this.notDurable(event);
    if (budget.isOver) return this.unconfirmed(event);
    if (!(await budget.isTrueInTime(this.isNotDiscarded(event)))) return this.unconfirmed(event);
    return this.accept(event, budget, true);
  }

  /** The gate may still show a claim that an operator has discarded. False also when the database does not answer. */
  private async isNotDiscarded({ claimId }: ClaimEvent): Promise<boolean> {
    try {
      return !(await this.discarded.has(claimId));
    } catch (error) {
      this.logger.debug({ message: 'it is not known whether a claim was discarded', claimId, reason: `${error}` });
      return false;
    }
  }

  /**
   * Answers 202 for a durable claim, unless its budget is over or the epoch that admitted it is no longer the open one.
   *
   * While the database answers, a read of the gate row that starts after this call proves the epoch (`EpochWatch`). While
   * it is silent, the budget has to: a builder takes the log's end W (3 s) after it has dropped the old epoch. The gate
   * admitted the claim before the drop, so a claim that is durable within D lies before that end. One that took longer,
   * as in a machine that stood still, may lie behind it and be dropped as stale.
   */
  private accept(
    event: OutgoingClaim,
    budget: ClaimBudget,
    replayed: boolean,
  ): ApplicationOutcome | Promise<ApplicationOutcome> {
    if (budget.isOver) return this.unconfirmed(event);
    if (this.watch.isSurelyOpen(event.epoch)) return this.accepted(event, replayed);
    const open = inSpan(event.span, 'confirm epoch', () => this.watch.confirmOpen(event.epoch));
    // Most claims need no timer here: the watch answers in time by itself.
    const inTime = budget.leftMs < CONFIRM_TIMEOUT_MS ? budget.isTrueInTime(open) : open;
    return inTime.then((confirmed) =>
      confirmed && !budget.isOver ? this.accepted(event, replayed) : this.unconfirmed(event),
    );
  }

  private accepted(event: ClaimEvent, replayed: boolean): ApplicationOutcome {
    this.metrics.count(event.campaignId, replayed ? 'replayed' : 'accepted');
    return { kind: 'accepted', claim: ownClaim(event, event.campaignId), replayed };
  }

  private unconfirmed({ campaignId, claimId }: ClaimEvent): ApplicationOutcome {
    this.metrics.count(campaignId, CLAIM_REFUSALS['claim-unconfirmed']);
    return { kind: 'claim-unconfirmed', claimId };
  }

  private notDurable(event: ClaimEvent): ApplicationOutcome {
    this.outage.refused('claims are not made durable in time');
    return this.unconfirmed(event);
  }

  private gateFailed(error: unknown, campaignId: string, claimId: string): ApplicationOutcome {
    if (error instanceof GateBusyError) return this.unavailable(campaignId, 'too many claims wait for the gate');
    // The gate may have executed a call that got no answer: name the claim, so that the caller can look it up.
    if (!(error instanceof GateTimeoutError)) return this.unavailable(campaignId, (error as Error).message);
    this.outage.refused('the gate does not answer in time');
    this.metrics.countUndecided(campaignId, 'claim-unconfirmed');
    return { kind: 'claim-unconfirmed', claimId };
  }

  private async fenced(
    pass: GatePass,
    request: ClaimRequest,
    reason: FenceReason,
    budget: ClaimBudget,
  ): Promise<ApplicationOutcome> {
    const { campaignId } = request;
    let meaning: FenceMeaning;
    try {
      meaning = await budget.within(this.campaigns.explain(pass, campaignId, reason));
    } catch (error) {
      // Log it once: otherwise invented ids would fill the log while the database is away.
      this.lookUpOutage.failed(`nobody can tell whether a campaign exists: ${(error as Error).message}`);
      return this.refusedForNow(campaignId);
    }
    if (reason === 'meta-missing') this.lookUpOutage.recovered('the database tells again which campaigns exist');
    if (meaning === 'campaign-not-found') return { kind: meaning };
    if (meaning === 'left') return this.afterLeaving(request, budget);
    // A campaign that is on its way to the gate is no outage.
    if (meaning === 'opening') return this.refusedForNow(campaignId);
    const outcome = this.unavailable(campaignId, `the gate cannot be trusted: ${reason}`);
    this.watch.reportFence(pass.epoch, reason);
    return outcome;
  }

  /** The campaign has left the gate: answers as the gate did, from the database. A coupon needs no look at the epoch. */
  private async afterLeaving(request: ClaimRequest, budget: ClaimBudget): Promise<ApplicationOutcome> {
    const { campaignId, idempotencyDigest } = request;
    let record: ClaimRecord | null;
    try {
      record = await budget.within(this.past.find(request));
    } catch (error) {
      this.lookUpOutage.failed(`nobody can tell who has a coupon of a past campaign: ${(error as Error).message}`);
      return this.refusedForNow(campaignId);
    }
    if (record === null) return this.refusedAfterLeaving({ kind: 'campaign-closed' });
    const claim = ownClaim(record, campaignId);
    if (idempotencyDigest === null || record.idempotencyDigest !== idempotencyDigest) {
      return this.refusedAfterLeaving({ kind: 'already-claimed', claim });
    }
    this.metrics.countPast('replayed');
    return { kind: 'accepted', claim, replayed: true };
  }

  private refusedAfterLeaving<Outcome extends ApplicationOutcome & { kind: 'campaign-closed' | 'already-claimed' }>(
    outcome: Outcome,
  ): Outcome {
    this.metrics.countPast(CLAIM_REFUSALS[outcome.kind]);
    return outcome;
  }

  private keptOut(campaignId: string, verdict: 'unknown' | EntryFault): ApplicationOutcome {
    if (verdict === 'unknown') return this.unavailable(campaignId, 'it is not known which campaigns require an entry');
    this.metrics.count(campaignId, CLAIM_REFUSALS['entry-required']);
    return { kind: 'entry-required', campaignId, reason: verdict };
  }

  private unavailable(campaignId: string, cause: string): ApplicationOutcome {
    this.outage.refused(cause);
    return this.refusedForNow(campaignId);
  }

  private refusedForNow(campaignId: string): ApplicationOutcome {
    this.metrics.countUndecided(campaignId, 'issuer-unavailable');
    // mutant: unavailable-as-sold-out
    return { kind: 'issuer-unavailable' };
  }
}

function eventOf(record: ClaimRecord, { campaignId, userId, span }: GateRequest, pass: GatePass): OutgoingClaim {
  // Field by field: a spread is slow, and each claim would pay for it.
  const { claimId, sequence, claimedAt, idempotencyDigest } = record;
  const { epoch, installation } = pass;
  return { claimId, campaignId, userId, sequence, claimedAt, idempotencyDigest, epoch, installation, span };
}

function ownClaim({ claimId, sequence, claimedAt }: Omit<ClaimRecord, 'idempotencyDigest'>, campaignId: string) {
  return { claimId, campaignId, sequence, claimedAt };
}
