import { z } from 'zod';
import { type CampaignView } from './campaign-catalogue.js';

/** A campaign in JSON: instants are ISO 8601 in UTC. */
export const campaignJsonSchema = z.object({
  id: z.string(),
  name: z.string(),
  total: z.int(),
  remaining: z.int().nullable().meta({ description: 'null while the gate cannot be trusted.' }),
  startsAt: z.iso.datetime(),
  endsAt: z.iso.datetime().nullable(),
  soldOutAt: z.iso.datetime().nullable().meta({
    description: 'Since when every coupon is issued; null while one is left, or admitted and not issued yet.',
  }),
  state: z.enum(['SCHEDULED', 'OPEN', 'PAUSED', 'CLOSED', 'ENDED']),
  version: z.int(),
});

export const campaignListJsonSchema = z.object({
  items: z.array(campaignJsonSchema),
  nextCursor: z.string().nullable(),
});

export type CampaignJson = z.infer<typeof campaignJsonSchema>;

export function campaignJson({ campaign, state, remaining }: CampaignView): CampaignJson {
  const { id, name, total, startsAt, endsAt, soldOutAt, version } = campaign;
  return {
    id,
    name,
    total,
    remaining,
    startsAt: new Date(startsAt).toISOString(),
    endsAt: endsAt === null ? null : new Date(endsAt).toISOString(),
    soldOutAt: soldOutAt === null ? null : new Date(soldOutAt).toISOString(),
    state,
    version,
  };
}
