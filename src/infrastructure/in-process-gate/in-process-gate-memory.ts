import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type ClaimRecord } from '../../domain/claim.js';
import { type CampaignTerms, type Fenced, type GatePass } from '../../ports/gate/issuance-gate.js';

/** One campaign of one epoch. The counters stand beside the maps they count, so that a lost entry shows. */
export interface CampaignMemory {
  /** null until the campaign is opened: no claim is admitted before. */
  terms: CampaignTerms | null;
  sequence: number;
  /** The latest instant that was given out, ms: the clock of a campaign never goes back, whatever the machine's does. */
  lastAt: number;
  count: number;
  pendingCount: number;
  /** userId → claim. */
  readonly applied: Map<string, ClaimRecord>;
  /**
   * userId → ms, the gate's clock; oldest first once the campaign is open, so that nobody has to sort a million of
   * them on the event loop.
   */
  pending: Map<string, number>;
}

interface EpochMemory {
  fence: string | null;
  readonly campaigns: Map<string, CampaignMemory>;
}

/** A campaign that may be trusted, with its terms. */
export interface TrustedCampaign {
  readonly kind: 'trusted';
  readonly campaign: CampaignMemory & { terms: CampaignTerms };
}

/**
 * The memory of the in-process gate, epoch by epoch as in Redis. It dies with the process and is rebuilt by the same
 * recovery code at every start.
 */
@Injectable()
export class InProcessGateMemory {
  private readonly epochs = new Map<number, EpochMemory>();

  /** The campaign if this pass is let in and its counters agree with its maps, otherwise what is wrong. */
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

  /** The campaign of an epoch, made when it is not there yet. */
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

  installFence(epoch: number): string {
    const fence = randomUUID();
    this.epoch(epoch).fence = fence;
    return fence;
  }

  dropBelow(epoch: number): void {
    for (const older of this.epochs.keys()) if (older < epoch) this.epochs.delete(older);
  }

  drop(epoch: number): void {
    this.epochs.delete(epoch);
  }

  private epoch(epoch: number): EpochMemory {
    let memory = this.epochs.get(epoch);
    if (memory === undefined) {
      memory = { fence: null, campaigns: new Map() };
      this.epochs.set(epoch, memory);
    }
    return memory;
  }
}
