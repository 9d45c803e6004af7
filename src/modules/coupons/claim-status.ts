import { Injectable } from '@nestjs/common';
import { type Coupon } from '../../ports/database/coupon-store.js';
import { Database } from '../../ports/database/database.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { KnownCampaigns } from '../gate-watch/known-campaigns.js';

export type ClaimStatus =
  | {
      readonly kind: 'found';
      readonly status: 'ISSUED';
      readonly claimId: string;
      readonly sequence: number;
      readonly claimedAt: number;
      readonly issuedAt: number;
      readonly code: string;
    }
  | {
      readonly kind: 'found';
      readonly status: 'PENDING' | 'FAILED';
      readonly claimId: string;
      readonly sequence: number;
      readonly claimedAt: number;
    }
  | { readonly kind: 'claim-not-found' | 'campaign-not-found' }
  /** The gate does not answer or cannot be trusted, so it is not known that there is no claim. */
  | { readonly kind: 'issuer-unavailable' };

/** Looks up a user's claim. The database comes first: what it has stored is final, also when the gate differs. */
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
      // With a coupon nothing else matters; most callers have one.
      return { coupon, failed: coupon === null ? await unit.failedEvents.findByUser(campaignId, userId) : null };
    });
    if (coupon !== null) return issued(coupon);
    const claim = failed?.claim ?? null;
    if (failed !== null && claim !== null && failed.status !== 'DISCARDED' && failed.status !== 'RESOLVED') {
      const { claimId, sequence, claimedAt } = claim;
      return { kind: 'found', status: failed.status === 'DEAD' ? 'FAILED' : 'PENDING', claimId, sequence, claimedAt };
    }
    return this.askGate(campaignId, userId, failed?.status === 'DISCARDED' ? (claim?.claimId ?? null) : null);
  }

  private async askGate(campaignId: string, userId: string, discarded: string | null): Promise<ClaimStatus> {
    const pass = this.watch.pass;
    if (pass === null) return { kind: 'issuer-unavailable' };
    const outcome = await this.gate.lookUp(pass, campaignId, userId);
    switch (outcome.kind) {
      case 'found': {
        const { claimId, sequence, claimedAt } = outcome.record;
        // The claim is discarded, and its slot is not released yet.
        if (claimId === discarded) return { kind: 'claim-not-found' };
        return { kind: 'found', status: 'PENDING', claimId, sequence, claimedAt };
      }
      case 'absent':
        return { kind: 'claim-not-found' };
      case 'fenced': {
        const meaning = await this.campaigns.explain(pass, campaignId, outcome.reason);
        if (meaning === 'campaign-not-found') return { kind: meaning };
        if (meaning === 'left') return this.findCoupon(campaignId, userId);
        if (meaning === 'fenced') this.watch.reportFence(pass.epoch, outcome.reason);
        return { kind: 'issuer-unavailable' };
      }
    }
  }

  /** Reads again: what was pending at the first read has become a coupon before the campaign left the gate. */
  private async findCoupon(campaignId: string, userId: string): Promise<ClaimStatus> {
    const coupon = await this.database.read((unit) => unit.coupons.find(campaignId, userId));
    return coupon === null ? { kind: 'claim-not-found' } : issued(coupon);
  }
}

function issued({ claimId, sequence, claimedAt, createdAt, code }: Coupon): ClaimStatus {
  return { kind: 'found', status: 'ISSUED', claimId, sequence, claimedAt, issuedAt: createdAt, code };
}
