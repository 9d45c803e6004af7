import { z } from 'zod';
import { type OwnClaim } from './claim-issuance.js';

const instant = z.iso.datetime();

/** A claim in JSON: instants are ISO 8601 in UTC. */
export const claimJsonSchema = z.object({
  claimId: z.string(),
  campaignId: z.string(),
  sequence: z.int().meta({ description: 'Place in the order in which the gate executed the claims, from 1.' }),
  claimedAt: instant,
});

export const acceptedJsonSchema = claimJsonSchema.extend({ status: z.literal('success'), message: z.string() });

export const claimStatusJsonSchema = claimJsonSchema.omit({ campaignId: true }).extend({
  status: z.enum(['PENDING', 'ISSUED', 'FAILED']),
  issuedAt: instant.optional(),
  code: z.string().optional(),
});

export const couponListJsonSchema = z.object({
  items: z.array(
    claimJsonSchema.omit({ claimedAt: true }).extend({
      issuedAt: instant,
      code: z.string().optional().meta({ description: 'Only with the admin token.' }),
    }),
  ),
  nextCursor: z.string().nullable(),
});

export function claimJson({ claimId, campaignId, sequence, claimedAt }: OwnClaim): z.infer<typeof claimJsonSchema> {
  return { claimId, campaignId, sequence, claimedAt: new Date(claimedAt).toISOString() };
}

/** Where the claim's status is found. Both ids need no escaping: their patterns hold only unreserved characters. */
export function claimPath(campaignId: string, userId: string): string {
  return `/api/campaigns/${campaignId}/claims/${userId}`;
}
