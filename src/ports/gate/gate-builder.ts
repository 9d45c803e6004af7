import { type Claim, type ClaimRecord } from '../../domain/claim.js';
import { type CampaignTerms } from './issuance-gate.js';

/** A claim that goes into a new gate. */
export interface StagedClaim extends ClaimRecord {
  userId: string;
  /** Not yet a coupon: the sweeper will look after it. */
  pending: boolean;
}

/** Terms with what the new gate goes on from: the highest sequence that is known to have been given out. */
export interface StagedCampaign extends CampaignTerms {
  sequence: number;
  /** The latest instant of a claim that is known, ms: the next claim gets no earlier one. Left out: none is known. */
  lastAt?: number;
}

/** What a sealed campaign holds that the new epoch does not. */
export interface LeftBehind {
  /** Pending claims of users of whom nothing is staged, in no order. */
  readonly claims: readonly Claim[];
  /** How many claims are staged for the campaign. */
  readonly staged: number;
}

/**
 * Writes a new gate beside the old one (docs/reliability.md says when). Keys carry their epoch, so a builder that wakes
 * up late can only write where no call reads. Only the recovery builds with it.
 */
export abstract class GateBuilder {
  /**
   * How long after `dropEpochsBelow` an answer under an old epoch may still leave some api, ms. 0 where it is certain
   * that no other process lives.
   */
  abstract readonly quiesceMs: number;

  /** It is certain that no other process lives. */
  get isAlone(): boolean {
    return this.quiesceMs === 0;
  }

  /**
   * Tells whose gate is built, before every other call. Several installations may share the gate's server: the builder
   * never touches what belongs to another one.
   */
  abstract useInstallation(installation: string): void;

  /**
   * Ends every epoch below this one: no call under them is let in any more. Has to succeed before anything is opened.
   *
   * Deletes what they left, each campaign's meta first. A campaign of the epoch `lastOpen` is sealed instead when its
   * counters agree and claims are pending there: it stays until {@link dropSealed}, and only {@link leftBehind} reads
   * it. A campaign that another builder has sealed is sealed again.
   *
   * @param ownEpochs the epochs that this installation has had. Keys of a version that did not name the installation
   * are deleted when they carry one of these. They are never sealed.
   * @param lastOpen the epoch that was open last; 0: none, or not known.
   * @returns the campaigns that were sealed.
   */
  abstract dropEpochsBelow(epoch: number, ownEpochs?: readonly number[], lastOpen?: number): Promise<readonly string[]>;

  /** What is left in a sealed campaign; null when it cannot be trusted any more. Everything durable is staged before. */
  abstract leftBehind(lastOpen: number, epoch: number, campaignId: string): Promise<LeftBehind | null>;

  /** Deletes what `dropEpochsBelow` has sealed. */
  abstract dropSealed(lastOpen: number, campaignIds: readonly string[]): Promise<void>;

  /** Adds claims to a campaign of this epoch. A user who is there already keeps the claim that came first. */
  abstract stage(epoch: number, campaignId: string, claims: readonly StagedClaim[]): Promise<void>;

  /** Makes the epoch's fence known to the gate and returns it. No campaign is open yet. */
  abstract installFence(epoch: number): Promise<string>;

  /** Writes the metas, last of all, with the counters taken from what was staged. */
  abstract openStaged(epoch: number, campaigns: readonly StagedCampaign[]): Promise<void>;

  /** Deletes what this builder staged under an epoch that is no longer its own. */
  abstract abandon(epoch: number): Promise<void>;
}
