import { type ClaimRecord } from '../../domain/claim.js';
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

/**
 * Writes a new gate beside the old one (docs/reliability.md says when). Keys carry their epoch, so a builder that wakes
 * up late can only write where no call reads. Only the recovery uses it.
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
   * Deletes what every epoch below this one left, each campaign's meta first. Has to succeed before anything is opened.
   *
   * @param ownEpochs the epochs that this installation has had. Keys of a version that did not name the installation
   * are deleted when they carry one of these.
   */
  abstract dropEpochsBelow(epoch: number, ownEpochs?: readonly number[]): Promise<void>;

  /** Adds claims to a campaign of this epoch. A user who is there already keeps the claim that came first. */
  abstract stage(epoch: number, campaignId: string, claims: readonly StagedClaim[]): Promise<void>;

  /** Makes the epoch's fence known to the gate and returns it. No campaign is open yet. */
  abstract installFence(epoch: number): Promise<string>;

  /** Writes the metas, last of all, with the counters taken from what was staged. */
  abstract openStaged(epoch: number, campaigns: readonly StagedCampaign[]): Promise<void>;

  /** Deletes what this builder staged under an epoch that is no longer its own. */
  abstract abandon(epoch: number): Promise<void>;
}
