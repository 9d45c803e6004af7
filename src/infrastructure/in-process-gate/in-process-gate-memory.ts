import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type ClaimRecord } from '../../domain/claim.js';
import { type CampaignTerms, type Fenced, type GatePass } from '../../ports/gate/issuance-gate.js';

/** One campaign of one epoch. Counters are kept beside the maps, so that a lost entry of a map is noticed. */
export interface CampaignMemory {
  /** null until the campaign is opened: no claim is admitted before. */
  terms: CampaignTerms | null;
  sequence: number;
  /**
   * The latest instant that a claim got, ms. A campaign's instants never go back, even when the machine's clock does.
   */
  lastAt: number;
  count: number;
  pendingCount: number;
  /** userId → claim. */
  readonly applied: Map<string, ClaimRecord>;
  /**
   * userId → ms, by the gate's clock. Oldest first once the campaign is open: to sort a million of them would block the
   * event loop.
   */
  pending: Map<string, number>;
}

interface EpochMemory {
  fence: string | null;
  readonly campaigns: Map<string, CampaignMemory>;
  /** The ids of all campaigns that the epoch has had. */
  readonly roster: Set<string>;
}

/** A campaign that may be trusted, with its terms. */
export interface TrustedCampaign {
  readonly kind: 'trusted';
  readonly campaign: CampaignMemory & { terms: CampaignTerms };
}

/**
 * The memory of the in-process gate, kept by epoch as in Redis. It ends with the process. At every start the same
 * recovery code rebuilds it.
 */
@Injectable()
export class InProcessGateMemory {
  private readonly epochs = new Map<number, EpochMemory>();

  /**
   * Returns the campaign when this pass is valid and the counters agree with the maps. Otherwise returns what is wrong.
   */
  trusted({ epoch, fence }: GatePass, campaignId: string): TrustedCampaign | Fenced {
    const memory = this.epochs.get(epoch);
    if (memory === undefined || memory.fence !== fence) return { kind: 'fenced', reason: 'fence-missing' };
    const campaign = memory.campaigns.get(campaignId);
    if (campaign === undefined || campaign.terms === null) return { kind: 'fenced', reason: 'meta-missing' };
    if (campaign.count !== campaign.applied.size) return { kind: 'fenced', reason: 'count-mismatch' };
    if (campaign.pendingCount !== campaign.pending.size) return { kind: 'fenced', reason: 'pending-mismatch' };
    return { kind: 'trusted', campaign: campaign as TrustedCampaign['campaign'] };
  }

  letsIn({ epoch, fence }: GatePass): boolean {
    return this.epochs.get(epoch)?.fence === fence;
  }

  /** Returns the campaign of an epoch, and makes it when it is missing. */
  campaign(epoch: number, campaignId: string): CampaignMemory {
    const { campaigns } = this.epoch(epoch);
    let campaign = campaigns.get(campaignId);
    if (campaign === undefined) {
      campaign = {
        terms: null,
        sequence: 0,
        lastAt: 0,
        count: 0,
        pendingCount: 0,
        applied: new Map(),
        pending: new Map(),
      };
      campaigns.set(campaignId, campaign);
    }
    return campaign;
  }

  /** Puts a campaign on the roster of an epoch. False when it is there already. */
  enrol(epoch: number, campaignId: string): boolean {
    const { roster } = this.epoch(epoch);
    if (roster.has(campaignId)) return false;
    roster.add(campaignId);
    return true;
  }

  remove(epoch: number, campaignId: string): void {
    this.epoch(epoch).campaigns.delete(campaignId);
  }

  installFence(epoch: number): string {
    const fence = randomUUID();
    this.epoch(epoch).fence = fence;
    return fence;
  }

  /**
   * Lets no call into this epoch any more, and keeps its campaigns whose counters agree and that have pending claims.
   * Returns these.
   */
  seal(epoch: number): string[] {
    const memory = this.epochs.get(epoch);
    if (memory === undefined) return [];
    memory.fence = null;
    for (const [campaignId, { applied, pending, count, pendingCount }] of memory.campaigns) {
      const whole = count === applied.size && pendingCount === pending.size;
      if (!whole || pending.size === 0) memory.campaigns.delete(campaignId);
    }
    return [...memory.campaigns.keys()];
  }

  dropBelow(epoch: number, kept = 0): void {
    for (const older of this.epochs.keys()) if (older < epoch && older !== kept) this.epochs.delete(older);
  }

  drop(epoch: number): void {
    this.epochs.delete(epoch);
  }

  private epoch(epoch: number): EpochMemory {
    let memory = this.epochs.get(epoch);
    if (memory === undefined) {
      memory = { fence: null, campaigns: new Map(), roster: new Set() };
      this.epochs.set(epoch, memory);
    }
    return memory;
  }
}
