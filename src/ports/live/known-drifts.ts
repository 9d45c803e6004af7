import { putNewest } from '../../platform/values/put-newest.js';

/** Campaigns whose drift is kept; that of the one that was measured longest ago is forgotten first. */
const MAX_KEPT = 10_000;

export interface KnownDrift {
  /** Claims and coupons by which gate, counter and rows disagreed. */
  readonly drift: number;
  /** The instant to which it belongs; monotonic, ms. */
  readonly measuredAt: number;
}

/** The drifts that this process has measured, for those who watch a campaign. */
export class KnownDrifts {
  private readonly byCampaign = new Map<string, KnownDrift>();

  set(campaignId: string, known: KnownDrift): void {
    putNewest(this.byCampaign, campaignId, known, MAX_KEPT);
  }

  /** null: none was measured yet. */
  of(campaignId: string): KnownDrift | null {
    return this.byCampaign.get(campaignId) ?? null;
  }
}
