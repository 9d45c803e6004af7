import { z } from 'zod';
import { type OwnClaim } from './claim-issuance.js';

const instant = z.iso.datetime();

/** A claim in JSON: instants are ISO 8601 in UTC. */
const claimJsonSchema = z.object({
  claimId: z.string(),
  campaignId: z.string(),
  sequence: z.int().min(1).meta({ description: 'Place in the order in which the gate executed the claims.' }),
  claimedAt: instant,
});

export const acceptedJsonSchema = claimJsonSchema
  .extend({ status: z.literal('success'), message: z.string().meta({ description: 'For people, in their language.' }) })
  .meta({ id: 'AcceptedClaim' });

export const claimStatusJsonSchema = claimJsonSchema
  .omit({ campaignId: true })
  .extend({
    status: z
      .enum(['PENDING', 'ISSUED', 'FAILED'])
      .meta({ description: 'FAILED: it waits for an operator. PENDING becomes ISSUED without another call.' }),
    issuedAt: instant.optional().meta({ description: 'Of an ISSUED one.' }),
    code: z.string().optional().meta({ description: 'Of an ISSUED one: what the coupon is redeemed with.' }),
  })
  .meta({ id: 'Claim' });

const couponJsonSchema = claimJsonSchema
  .omit({ claimedAt: true })
  .extend({
    issuedAt: instant,
    code: z.string().optional().meta({ description: 'Only with the admin token.' }),
  })
  .meta({ id: 'Coupon' });

export const couponListJsonSchema = z
  .object({
    items: z.array(couponJsonSchema),
    nextCursor: z.string().nullable().meta({ description: 'For the next page; null on the last one.' }),
  })
  .meta({ id: 'CouponList' });

export function claimJson({ claimId, campaignId, sequence, claimedAt }: OwnClaim): z.infer<typeof claimJsonSchema> {
  return { claimId, campaignId, sequence, claimedAt: new Date(claimedAt).toISOString() };
}
