import { groupBy } from '../../platform/values/group-by.js';
import { type IssuedClaim } from '../../ports/database/coupon-store.js';
import { type GateBuilder } from '../../ports/gate/gate-builder.js';
import { type StagedClaims } from './staged-claims.js';

/** Coupons go straight to the new gate: `found` notes their sequences only. */
export async function stageCoupons(
  builder: GateBuilder,
  epoch: number,
  coupons: readonly IssuedClaim[],
  found: StagedClaims,
): Promise<void> {
  for (const [campaignId, some] of groupBy(coupons, (coupon) => coupon.campaignId)) {
    found.noteAll(campaignId, some);
    // Written out: a spread is slow, and each coupon pays for it.
    const claims = some.map(({ userId, claimId, sequence, claimedAt, idempotencyDigest }) => ({
      userId,
      claimId,
      sequence,
      claimedAt,
      idempotencyDigest,
      pending: false,
    }));
    await builder.stage(epoch, campaignId, claims);
  }
}
