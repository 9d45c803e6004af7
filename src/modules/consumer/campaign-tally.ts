import { type ClaimEvent } from '../../domain/claim.js';

/** How many coupons of a campaign were issued, and when the gate admitted the latest of their claims, ms. */
interface Tally {
  readonly campaignId: string;
  count: number;
  claimedAt: number;
}

export function tallyByCampaign(events: readonly ClaimEvent[]): Iterable<Tally> {
  const tallies = new Map<string, Tally>();
  for (const { campaignId, claimedAt } of events) {
    const tally = tallies.get(campaignId);
    if (tally === undefined) {
      tallies.set(campaignId, { campaignId, count: 1, claimedAt });
    } else {
      tally.count += 1;
      tally.claimedAt = Math.max(tally.claimedAt, claimedAt);
    }
  }
  return tallies.values();
}
