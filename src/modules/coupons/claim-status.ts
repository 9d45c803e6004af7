import { Injectable } from '@nestjs/common';
import { Database } from '../../ports/database/database.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../watch/epoch-watch.js';
import { KnownCampaigns } from '../watch/known-campaigns.js';

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
  /** The gate cannot be asked, so nobody can say that there is no claim. */
  | { readonly kind: 'issuer-unavailable' };

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
      return { kind: 'found', status: 'ISSUED', claimId, sequence, claimedAt, issuedAt: createdAt, code };
    }
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
        // Discarded, and its slot not given back yet.
        if (claimId === discarded) return { kind: 'claim-not-found' };
        return { kind: 'found', status: 'PENDING', claimId, sequence, claimedAt };
      }
      case 'absent':
        return { kind: 'claim-not-found' };
      case 'fenced': {
        const meaning = await this.campaigns.explain(campaignId, outcome.reason);
        if (meaning === 'campaign-not-found') return { kind: meaning };
        if (meaning === 'fenced') this.watch.reportFence(pass.epoch, outcome.reason);
        return { kind: 'issuer-unavailable' };
      }
    }
  }
}
