import { type Claim, type ClaimRecord, type ClaimReference, type ClaimRequest } from '../../domain/claim.js';
import { type SampledSpan } from '../../platform/tracing/sampled-span.js';

/**
 * What a caller must show to be let into the gate: the epoch that the gate row names as open, and that epoch's fence
 * (in Redis the SHA of the script stamped with it). An old pass reaches nothing.
 */
export interface GatePass {
  readonly epoch: number;
  readonly fence: string;
  /** For the claim events of this epoch. The gate itself does not look at it: the fence is of one installation alone. */
  readonly installation: string;
}

/** What the gate knows of a campaign's settings. Instants are ms since the Unix epoch. */
export interface CampaignTerms {
  campaignId: string;
  total: number;
  startsAt: number;
  endsAt: number | null;
  state: 'OPEN' | 'PAUSED' | 'CLOSED';
  /** Terms with an older version never replace newer ones. */
  version: number;
}

/**
 * Why the gate's memory cannot be trusted. `promoted`: its server has followed another one since the epoch was built, and
 * may have lost what that one never had. `meta-missing` is also what an unknown campaign looks like: only the
 * database can tell the two apart.
 */
export type FenceReason = 'fence-missing' | 'promoted' | 'meta-missing' | 'count-mismatch' | 'pending-mismatch';

export interface Fenced {
  readonly kind: 'fenced';
  readonly reason: FenceReason;
}

/** The text of the gate's script that is in force: that of the build whose process built the epoch. */
export interface GateScript {
  /** Null for a script of a version that did not tell it. */
  readonly version: string | null;
  /** It is the text that this build would bring. */
  readonly current: boolean;
}

export interface PingOk {
  readonly kind: 'ok';
  /** Left out by a gate that has no script of its own. */
  readonly script?: GateScript;
}

/** Refusals are outcomes, not exceptions: they are the common case of a drop, and cost no stack trace. */
export type ClaimOutcome =
  | { readonly kind: 'admitted'; readonly sequence: number; readonly claimedAt: number }
  /** The user has a claim already. Window and stock do not matter then. */
  | { readonly kind: 'duplicate'; readonly record: ClaimRecord; readonly pending: boolean }
  | { readonly kind: 'campaign-not-started'; readonly startsAt: number }
  | { readonly kind: 'campaign-paused' | 'campaign-closed' | 'campaign-ended' }
  /** `final`: no claim is pending, so only an operator can make a slot free. Otherwise one may come back by itself. */
  | { readonly kind: 'sold-out'; readonly final: boolean }
  | Fenced;

export type LookUpOutcome =
  | { readonly kind: 'found'; readonly record: ClaimRecord; readonly pending: boolean }
  | { readonly kind: 'absent' }
  | Fenced;

export type ReleaseOutcome =
  | { readonly kind: 'released' }
  /** The user holds no claim or another one, so a repeated call frees nothing twice. */
  | { readonly kind: 'gone' }
  | Fenced;

export type OpenCampaignOutcome =
  | { readonly kind: 'opened' }
  /** The gate knows the campaign already, and keeps its terms and claims. */
  | { readonly kind: 'exists' }
  | Fenced;

export type OpenMissingOutcome =
  | OpenCampaignOutcome
  /** The gate of this epoch is one of an older version. It cannot tell a new campaign from one that it has lost. */
  | { readonly kind: 'unsupported' };

export type ChangeTermsOutcome =
  | { readonly kind: 'changed' }
  /** The gate has the same or a newer version. */
  | { readonly kind: 'older' }
  /** The new total is smaller than the one before and than what was admitted already. */
  | { readonly kind: 'total-below-claimed' }
  | Fenced;

export type RedateOutcome = { readonly kind: 'redated'; readonly count: number } | Fenced;

export type RemoveCampaignOutcome =
  | { readonly kind: 'removed' }
  /** It is not closed, has pending claims, or has other terms than the caller believes. Nothing was removed. */
  | { readonly kind: 'kept' }
  /** The gate of this epoch was built by a version of the service that cannot remove a campaign. */
  | { readonly kind: 'unsupported' }
  | Fenced;

export interface PendingPage {
  readonly kind: 'page';
  readonly claims: readonly Claim[];
}

/** What the gate counts for one campaign. */
export interface CampaignGauge {
  readonly kind: 'gauge';
  campaignId: string;
  terms: CampaignTerms;
  /** Admitted claims: the stock that is gone. */
  claimed: number;
  sequence: number;
  pending: number;
  /** ms, the gate's clock; null when nothing is pending. */
  oldestPendingAt: number | null;
  /**
   * The instant of the latest claim, ms; 0 when that is not known. No pending entry is later. It is later than the gate's
   * clock when that clock was set back.
   */
  lastAt: number;
}

/** The gate did not get the call: nothing was executed. */
export class GateUnavailableError extends Error {
  override readonly name = 'GateUnavailableError';
  readonly problemCode = 'issuer-unavailable';
}

/** The call was not even sent: too many wait for the gate. It says nothing about the gate. */
export class GateBusyError extends GateUnavailableError {}

/** The gate did not answer in time: the call may have been executed, and still may be. */
export class GateTimeoutError extends Error {
  override readonly name = 'GateTimeoutError';
  readonly problemCode = 'issuer-unavailable';
}

/** The server that holds the gate, as it describes itself; null for what it does not tell. */
export interface GateServer {
  readonly version: string | null;
  readonly role: string | null;
  readonly uptimeMs: number | null;
  readonly usedBytes: number | null;
  /** 0: no limit. */
  readonly maxBytes: number | null;
  readonly evictionPolicy: string | null;
  /** Does it keep a file from which it comes back after a restart? */
  readonly appendOnly: boolean | null;
  readonly clients: number | null;
}

/** A claim on its way to the gate. */
export interface GateRequest extends ClaimRequest {
  /** If it is traced: the span of the wait for the gate's answer. */
  readonly span?: SampledSpan | undefined;
}

/**
 * The gate: decides, atomically and in one order for all callers, who is among the first `total`.
 *
 * Every call carries the pass of an epoch and answers `fenced` when that epoch's memory is missing or damaged: the sum
 * of the records must equal the counters that were kept beside them. Every call may reject with `GateUnavailableError`
 * or `GateTimeoutError`.
 */
export abstract class IssuanceGate {
  /**
   * Admits a claim or says why not, in this order: fence, an earlier claim of the user, state, window, stock.
   *
   * The claim's instant is that of the gate's own clock, but never earlier than that of the claim before it in the
   * campaign. The same instant decides about the window.
   */
  abstract claim(pass: GatePass, request: GateRequest): Promise<ClaimOutcome>;

  abstract lookUp(pass: GatePass, campaignId: string, userId: string): Promise<LookUpOutcome>;

  /** Forgets that these claims are pending; their slots stay taken. A campaign that is fenced is left alone. */
  abstract clearPending(pass: GatePass, claims: readonly ClaimReference[]): Promise<void>;

  /** Gives a discarded claim's slot back to the stock; the user may claim again. */
  abstract release(pass: GatePass, claim: ClaimReference): Promise<ReleaseOutcome>;

  /**
   * Opens a campaign that was just stored. `fenced` when what the gate knows of it is damaged, or when the gate has had it
   * in this epoch and lost it, with all that it knew of it: it would forget the claims and sell their coupons twice.
   */
  abstract openCampaign(pass: GatePass, terms: CampaignTerms): Promise<OpenCampaignOutcome>;

  /** The same for a stored campaign that a caller found missing, whatever the reason. */
  abstract openMissing(pass: GatePass, terms: CampaignTerms): Promise<OpenMissingOutcome>;

  /** Replaces the terms. Never creates a campaign: a missing one is a fence. */
  abstract changeTerms(pass: GatePass, terms: CampaignTerms): Promise<ChangeTermsOutcome>;

  /**
   * Forgets a closed campaign with its claims. Only after the database has committed that it has left the gate
   * (`Campaign.leftGateAt`): to every other process, a meta that is missing without that is a fence.
   * @param version of the terms that the caller believes to be the gate's.
   */
  abstract removeCampaign(pass: GatePass, campaignId: string, version: number): Promise<RemoveCampaignOutcome>;

  /** One gauge for each id, in the order of the ids. */
  abstract gauge(pass: GatePass, campaignIds: readonly string[]): Promise<(CampaignGauge | Fenced)[]>;

  /**
   * Pending claims that are older than `before` (ms, the gate's clock), oldest first, at most `limit`, after skipping
   * `offset` of them.
   */
  abstract pendingBefore(
    pass: GatePass,
    campaignId: string,
    before: number,
    limit: number,
    offset: number,
  ): Promise<PendingPage | Fenced>;

  /**
   * Dates pending entries of the future to now, at most `limit`. Entries are in the future after the gate's clock was set
   * back, and `pendingBefore` would show them only when the clock has caught up.
   */
  abstract redatePending(pass: GatePass, campaignId: string, limit: number): Promise<RedateOutcome>;

  /** Tells whether this pass is still let in, at almost no cost. */
  abstract ping(pass: GatePass): Promise<PingOk | Fenced>;

  /**
   * Writes nothing, and rejects where the gate would refuse to admit a claim although it answers: it is out of memory, a
   * replica, or has lost its disk. A ping does not notice that.
   */
  abstract checkWritable(): Promise<void>;

  /** For people; null for a gate without a server. */
  describeServer(): Promise<GateServer | null> {
    return Promise.resolve(null);
  }

  /** The gate's clock, ms since the Unix epoch: the one clock that decides windows. */
  abstract now(): Promise<number>;

  /**
   * Calls the listener on every new connection to the gate's server, since that may be another server, or an emptied
   * one. A gate without a server never calls it.
   */
  onReconnected(_listener: () => void): void {}
}
