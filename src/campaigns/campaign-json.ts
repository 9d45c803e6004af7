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
  state: z.enum(['SCHEDULED', 'OPEN', 'PAUSED', 'CLOSED', 'ENDED']),
  version: z.int(),
});

export const campaignListJsonSchema = z.object({
  items: z.array(campaignJsonSchema),
  nextCursor: z.string().nullable(),
});

export type CampaignJson = z.infer<typeof campaignJsonSchema>;

export function campaignJson({ campaign, state, remaining }: CampaignView): CampaignJson {
  const { id, name, total, startsAt, endsAt, version } = campaign;
  return {
    id,
    name,
    total,
    remaining,
    startsAt: new Date(startsAt).toISOString(),
    endsAt: endsAt === null ? null : new Date(endsAt).toISOString(),
    state,
    version,
  };
}
