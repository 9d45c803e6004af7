import { z } from 'zod';
import { isoOf } from '../../domain/iso-of.js';
import { isoInstant } from '../../platform/http/output/schemas.js';
import { type CampaignStory, type SearchResult } from './user-stories.js';

const claimJsonSchema = z.object({
  claimId: z.string(),
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

export function searchJson({ users, gateAnswered, complete }: SearchResult, withCodes: boolean): SearchJson {
  return {
    users: users.map(({ userId, foundBy, campaigns }) => ({
      userId,
      foundBy,
      campaigns: campaigns.map((story) => storyJson(story, withCodes)),
    })),
    gateAnswered,
    complete,
  };
}

function storyJson(story: CampaignStory, withCodes: boolean): SearchJson['users'][number]['campaigns'][number] {
  const { id, name, soldOutAt } = story.campaign;
  return {
    campaignId: id,
    name,
    soldOutAt: isoOf(soldOutAt),
    claim: claimOf(story, withCodes),
    refusals: story.refusals.map(({ code, refusedAt, requestId }) => ({
      code,
      refusedAt: isoOf(refusedAt),
      ...(code === 'sold-out' && soldOutAt !== null ? { afterSoldOutMs: refusedAt - soldOutAt } : {}),
      requestId,
    })),
  };
}

/** The database comes first: what it has stored is final, also where the gate differs. */
function claimOf(
  { coupon, admitted, failed }: CampaignStory,
  withCodes: boolean,
): z.infer<typeof claimJsonSchema> | null {
  if (coupon !== null) {
    const { claimId, sequence, claimedAt, createdAt, code } = coupon;
    const shown = withCodes ? { code } : {};
    return { claimId, status: 'ISSUED', sequence, claimedAt: isoOf(claimedAt), issuedAt: isoOf(createdAt), ...shown };
  }
  const claim = failed?.claim ?? null;
  if (failed !== null && claim !== null && failed.status !== 'RESOLVED') {
    const status = failed.status === 'DEAD' ? 'FAILED' : failed.status === 'DISCARDED' ? 'DISCARDED' : 'PENDING';
    // A user whose claim was discarded may have claimed again.
    if (status !== 'DISCARDED' || admitted === null || admitted.claimId === claim.claimId) {
      const { claimId, sequence, claimedAt } = claim;
      return { claimId, status, sequence, claimedAt: isoOf(claimedAt) };
    }
  }
  if (admitted === null) return null;
  const { claimId, sequence, claimedAt } = admitted;
  return { claimId, status: 'PENDING', sequence, claimedAt: isoOf(claimedAt) };
}
