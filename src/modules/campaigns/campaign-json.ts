import { z } from 'zod';
import { CHALLENGE_COST, CHALLENGES, MAX_CAMPAIGN_TOTAL } from '../../domain/campaign.js';
import { isoOf } from '../../domain/iso-of.js';
import { isoInstant, pageJsonSchema } from '../../platform/http/output/schemas.js';
import { type CampaignView } from './campaign-catalogue.js';

/** A campaign in JSON. */
export const campaignJsonSchema = z
  .object({
    id: z.string().meta({ description: 'Its id, as claims name it.' }),
    name: z.string(),
    total: z.int().min(1).max(MAX_CAMPAIGN_TOTAL).meta({ description: 'The stock, in coupons.' }),
    remaining: z
      .int()
      .min(0)
      .max(MAX_CAMPAIGN_TOTAL)
      .nullable()
      .meta({ description: 'What is left of the stock; null while the gate cannot be trusted.' }),
    startsAt: isoInstant,
    endsAt: isoInstant.nullable().meta({ description: 'null: it has no end.' }),
    soldOutAt: isoInstant.nullable().meta({
      description: 'Since when every coupon is issued; null while one is left, or admitted and not issued yet.',
    }),
    state: z
      .enum(['SCHEDULED', 'OPEN', 'PAUSED', 'CLOSED', 'ENDED'])
      .meta({ description: 'SCHEDULED and ENDED come from the window, PAUSED and CLOSED from an operator.' }),
    requireEntry: z.boolean().meta({ description: 'Whether a claim needs an entry token (X-Entry-Token).' }),
    challenge: z.enum(CHALLENGES).meta({ description: 'What a caller has to pass before an entry token is given.' }),
    challengeCost: z
      .int()
      .min(CHALLENGE_COST.min)
      .max(CHALLENGE_COST.max)
      .meta({ description: 'proof-of-work: iterations of one try. A proof takes 256 tries on average.' }),
    version: z.int().min(1).meta({ description: 'Rises with every change; the ETag is this number in quotes.' }),
  })
  .meta({ id: 'Campaign' });

export const campaignListJsonSchema = pageJsonSchema(campaignJsonSchema).meta({ id: 'CampaignList' });

export type CampaignJson = z.infer<typeof campaignJsonSchema>;

export function campaignJson({ campaign, state, remaining }: CampaignView): CampaignJson {
  const { id, name, total, startsAt, endsAt, soldOutAt, version } = campaign;
  const { requireEntry, challenge, challengeCost } = campaign;
  return {
    id,
    name,
    total,
    remaining,
    startsAt: isoOf(startsAt),
    endsAt: isoOf(endsAt),
    soldOutAt: isoOf(soldOutAt),
    state,
    requireEntry,
    challenge,
    challengeCost,
    version,
  };
}
