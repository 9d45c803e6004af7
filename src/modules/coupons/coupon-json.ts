import { z } from 'zod';
import { isoInstant, pageJsonSchema } from '../../platform/http/output/schemas.js';

const sequence = z.int().min(1).meta({ description: 'Place in the order in which the gate executed the claims.' });

const claimId = z.string().meta({ description: 'Not for a caller who has not shown that the claim is theirs.' });
const code = z.string().meta({
  description: 'What the coupon is redeemed with. For its user, issuers, operators and admins.',
});

export const claimStatusJsonSchema = z
  .object({
    claimId: claimId.optional(),
    sequence,
    claimedAt: isoInstant,
    status: z
      .enum(['PENDING', 'ISSUED', 'FAILED'])
      .meta({ description: 'FAILED: it waits for an operator. PENDING becomes ISSUED without another call.' }),
    issuedAt: isoInstant.optional().meta({ description: 'Of an ISSUED one.' }),
    code: code.optional(),
  })
  .meta({ id: 'Claim' });

const couponJsonSchema = z
  .object({
    claimId: claimId.optional(),
    campaignId: z.string(),
    sequence,
    issuedAt: isoInstant,
    code: code.optional(),
  })
  .meta({ id: 'Coupon' });

export const couponListJsonSchema = pageJsonSchema(couponJsonSchema).meta({ id: 'CouponList' });

const campaignCouponJsonSchema = z
  .object({
    userId: z.string(),
    claimId: z
      .string()
      .optional()
      .meta({ description: 'Not for viewers with `IDENTITY=open`: there it opens the code.' }),
    sequence,
    claimedAt: isoInstant,
    issuedAt: isoInstant,
    code: z.string().optional().meta({ description: 'Only for operators.' }),
  })
  .meta({ id: 'CampaignCoupon' });

export const campaignCouponListJsonSchema = pageJsonSchema(campaignCouponJsonSchema).meta({ id: 'CampaignCouponList' });
