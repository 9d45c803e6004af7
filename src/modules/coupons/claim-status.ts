import { Injectable } from '@nestjs/common';
import { Database } from '../../ports/database/database.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../watch/epoch-watch.js';
import { KnownCampaigns } from '../watch/known-campaigns.js';

export type ClaimStatus =
  | {
      readonly kind: 'ISSUED';
      readonly claimId: string;
      readonly sequence: number;
      readonly claimedAt: number;
      readonly issuedAt: number;
      readonly code: string;
    }
  | {
      readonly kind: 'PENDING' | 'FAILED';
      readonly claimId: string;
      readonly sequence: number;
      readonly claimedAt: number;
    }
  | { readonly kind: 'NONE' | 'CAMPAIGN_NOT_FOUND' }
  /** The gate cannot be asked, so nobody can say that there is no claim. */
  | { readonly kind: 'UNAVAILABLE' };

/** What became of a user's claim. The database speaks first: what is stored is final, whatever the gate remembers. */
@Injectable()
export class ClaimStatusLookup {
  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly campaigns: KnownCampaigns,
  ) {}

  /** @throws DatabaseError, GateUnavailableError, GateTimeoutError */
  async find(campaignId: string, userId: string): Promise<ClaimStatus> {
    const { coupon, failed } = await this.database.read(async (unit) => {
      const coupon = await unit.coupons.find(campaignId, userId);
      // A coupon settles it; most who ask have one.
      return { coupon, failed: coupon === null ? await unit.failedEvents.findByUser(campaignId, userId) : null };
    });
    if (coupon !== null) {
      const { claimId, sequence, claimedAt, createdAt, code } = coupon;
      return { kind: 'ISSUED', claimId, sequence, claimedAt, issuedAt: createdAt, code };
    }
    const claim = failed?.claim ?? null;
    if (failed !== null && claim !== null && failed.status !== 'DISCARDED' && failed.status !== 'RESOLVED') {
      const { claimId, sequence, claimedAt } = claim;
      return { kind: failed.status === 'DEAD' ? 'FAILED' : 'PENDING', claimId, sequence, claimedAt };
    }
    return this.askGate(campaignId, userId, failed?.status === 'DISCARDED' ? (claim?.claimId ?? null) : null);
  }

  private async askGate(campaignId: string, userId: string, discarded: string | null): Promise<ClaimStatus> {
    const pass = this.watch.pass;
    if (pass === null) return { kind: 'UNAVAILABLE' };
    const outcome = await this.gate.lookUp(pass, campaignId, userId);
    switch (outcome.kind) {
      case 'FOUND': {
        const { claimId, sequence, claimedAt } = outcome.record;
        // Discarded, and its slot not given back yet.
        if (claimId === discarded) return { kind: 'NONE' };
        return { kind: 'PENDING', claimId, sequence, claimedAt };
      }
      case 'ABSENT':
        return { kind: 'NONE' };
      case 'FENCED': {
        if (outcome.reason === 'meta-missing') {
          const knowledge = await this.campaigns.lookUp(campaignId);
          if (knowledge === 'unknown') return { kind: 'CAMPAIGN_NOT_FOUND' };
          // Its row is young, so the gate may not know it yet; or it has lost it already, together with a promised claim.
          if (knowledge === 'opening') return { kind: 'UNAVAILABLE' };
        }
        this.watch.reportFence(pass.epoch, outcome.reason);
        return { kind: 'UNAVAILABLE' };
      }
    }
  }
}
