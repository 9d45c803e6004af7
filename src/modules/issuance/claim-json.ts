import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { isoInstant } from '../../platform/http/output/schemas.js';
import { type OwnClaim } from './claim-issuance.js';

/** A claim in JSON, as its user sees it. */
const claimJsonSchema = z.object({
  claimId: z.string(),
  campaignId: z.string(),
  sequence: z.int().min(1).meta({ description: 'Place in the order in which the gate executed the claims.' }),
  claimedAt: isoInstant,
});

export const acceptedJsonSchema = claimJsonSchema
  .extend({ status: z.literal('success'), message: z.string().meta({ description: 'For people, in their language.' }) })
  .meta({ id: 'AcceptedClaim' });

export function claimJson({ claimId, campaignId, sequence, claimedAt }: OwnClaim): z.infer<typeof claimJsonSchema> {
  return { claimId, campaignId, sequence, claimedAt: isoOf(claimedAt) };
}

/**
 * A claim in JSON for a caller who has not shown that it is theirs: with `IDENTITY=open`, the id of a claim opens the
 * code of its coupon.
 */
export function claimWithoutId({ campaignId, sequence, claimedAt }: OwnClaim) {
  return { campaignId, sequence, claimedAt: isoOf(claimedAt) };
}
