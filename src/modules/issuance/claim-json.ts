import { z } from 'zod';
import { isoOf } from '../../platform/http/input/instant.js';
import { isoInstant, pageJsonSchema } from '../../platform/http/json.js';
import { type OwnClaim } from './claim-issuance.js';

/** A claim in JSON. */
const claimJsonSchema = z.object({
  claimId: z.string(),
  campaignId: z.string(),
  sequence: z.int().min(1).meta({ description: 'Place in the order in which the gate executed the claims.' }),
  claimedAt: isoInstant,
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
    issuedAt: isoInstant.optional().meta({ description: 'Of an ISSUED one.' }),
    code: z.string().optional().meta({ description: 'Of an ISSUED one: what the coupon is redeemed with.' }),
  })
  .meta({ id: 'Claim' });

const couponJsonSchema = claimJsonSchema
  .omit({ claimedAt: true })
  .extend({
    issuedAt: isoInstant,
    code: z.string().optional().meta({ description: 'Only with the admin token.' }),
  })
  .meta({ id: 'Coupon' });

export const couponListJsonSchema = pageJsonSchema(couponJsonSchema).meta({ id: 'CouponList' });

export function claimJson({ claimId, campaignId, sequence, claimedAt }: OwnClaim): z.infer<typeof claimJsonSchema> {
  return { claimId, campaignId, sequence, claimedAt: isoOf(claimedAt) };
}
