import { z } from 'zod';
import { type Claim } from '../../domain/claim.js';
import { isoOf } from '../../domain/iso-of.js';
import { isoInstant } from '../../platform/http/output/schemas.js';
import { type Sight } from '../../platform/identity/admin-sight.js';
import { type CampaignStory, type SearchResult } from './user-stories.js';

const claimJsonSchema = z.object({
  claimId: z
    .string()
    .optional()
    .meta({ description: 'Not for viewers with `IDENTITY=open`: there it opens the code.' }),
  status: z
    .enum(['ISSUED', 'PENDING', 'FAILED', 'DISCARDED'])
    .meta({ description: 'PENDING becomes ISSUED by itself; FAILED waits for an operator; DISCARDED is final.' }),
  sequence: z.int().min(1),
  claimedAt: isoInstant,
  issuedAt: isoInstant.optional(),
  code: z.string().optional().meta({ description: 'Only for operators.' }),
});

const refusalJsonSchema = z.object({
  code: z.string().meta({ description: 'The code of the problem that the user got, such as `sold-out`.' }),
  refusedAt: isoInstant.meta({ description: 'The first time that the user got this refusal in this campaign.' }),
  afterSoldOutMs: z
    .int()
    .optional()
    .meta({ description: 'Of `sold-out`: how long after the claim of the last coupon it came.' }),
  requestId: z.string(),
});

export const searchJsonSchema = z
  .object({
    users: z.array(
      z.object({
        userId: z.string(),
        foundBy: z.enum(['user', 'claim', 'code']).meta({ description: 'What the searched text was.' }),
        campaigns: z.array(
          z.object({
            campaignId: z.string(),
            name: z.string(),
            soldOutAt: isoInstant.nullable(),
            claim: claimJsonSchema.nullable(),
            refusals: z.array(refusalJsonSchema),
          }),
        ),
      }),
    ),
    gateAnswered: z
      .boolean()
      .meta({ description: 'false: the gate could not be asked, so a claim that is not stored yet may be missing.' }),
    complete: z.boolean().meta({ description: 'false: there is more than one search looks at.' }),
  })
  .meta({ id: 'SearchResult' });

export type SearchJson = z.infer<typeof searchJsonSchema>;

export function searchJson({ users, gateAnswered, complete }: SearchResult, sight: Sight): SearchJson {
  return {
    users: users.map(({ userId, foundBy, campaigns }) => ({
      userId,
      foundBy,
      campaigns: campaigns.map((story) => storyJson(story, sight)),
    })),
    gateAnswered,
    complete,
  };
}

function storyJson(story: CampaignStory, sight: Sight): SearchJson['users'][number]['campaigns'][number] {
  const { id, name, soldOutAt } = story.campaign;
  return {
    campaignId: id,
    name,
    soldOutAt: isoOf(soldOutAt),
    claim: claimOf(story, sight),
    refusals: story.refusals.map(({ code, refusedAt, requestId }) => ({
      code,
      refusedAt: isoOf(refusedAt),
      ...(code === 'sold-out' && soldOutAt !== null ? { afterSoldOutMs: refusedAt - soldOutAt } : {}),
      requestId,
    })),
  };
}

/** The database comes first: what it has stored is final, also where the gate differs. */
function claimOf({ coupon, admitted, failed }: CampaignStory, sight: Sight): z.infer<typeof claimJsonSchema> | null {
  const common = ({ claimId, sequence, claimedAt }: Pick<Claim, 'claimId' | 'sequence' | 'claimedAt'>) => ({
    ...(sight.withClaimIds ? { claimId } : {}),
    sequence,
    claimedAt: isoOf(claimedAt),
  });
  if (coupon !== null) {
    const shown = sight.withCodes ? { code: coupon.code } : {};
    return { ...common(coupon), status: 'ISSUED', issuedAt: isoOf(coupon.createdAt), ...shown };
  }
  const claim = failed?.claim ?? null;
  if (failed !== null && claim !== null && failed.status !== 'RESOLVED') {
    const status = failed.status === 'DEAD' ? 'FAILED' : failed.status === 'DISCARDED' ? 'DISCARDED' : 'PENDING';
    // A user whose claim was discarded may have claimed again.
    if (status !== 'DISCARDED' || admitted === null || admitted.claimId === claim.claimId) {
      return { ...common(claim), status };
    }
  }
  if (admitted === null) return null;
  return { ...common(admitted), status: 'PENDING' };
}
