import { z } from 'zod';
import {
  asPublished,
  type Campaign,
  type CampaignDraft,
  CHALLENGE_COST,
  CHALLENGES,
  MAX_CAMPAIGN_TOTAL,
} from '../../domain/campaign.js';
import { isoOf } from '../../domain/iso-of.js';
import { campaignId, keysetCursor } from '../../platform/http/input/schemas.js';
import { isoInstant, pageJsonSchema } from '../../platform/http/output/schemas.js';
import { type CampaignAct, type CampaignConsequences } from './campaign-consequences.js';
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

/** Where a page of campaigns ended. */
export const campaignCursor = keysetCursor(z.strictObject({ createdAt: z.int().min(0), id: campaignId }));

export const campaignListJsonSchema = pageJsonSchema(campaignJsonSchema).meta({ id: 'CampaignList' });

export type CampaignJson = z.infer<typeof campaignJsonSchema>;

/** The same for operators, who see drafts too. */
export const adminCampaignJsonSchema = campaignJsonSchema
  .extend({
    state: z.enum(['DRAFT', ...campaignJsonSchema.shape.state.options]).meta({
      description: 'DRAFT: not published, so only operators know of it. The others are those that every caller sees.',
    }),
  })
  .meta({ id: 'AdminCampaign' });

/** With what operators want to see of it besides. */
export const campaignDetailsJsonSchema = adminCampaignJsonSchema
  .extend({
    issued: z.int().min(0).max(MAX_CAMPAIGN_TOTAL).meta({ description: 'Its coupons so far.' }),
    openedAt: isoInstant.nullable().meta({ description: 'When its window has begun; null: not yet.' }),
    lastClaimedAt: isoInstant.nullable().meta({ description: 'Of the latest claim that is a coupon.' }),
    createdAt: isoInstant.meta({ description: 'When it was made; of a draft that was published: then.' }),
    updatedAt: isoInstant,
  })
  .meta({ id: 'CampaignDetails' });

export const campaignDetailsListJsonSchema = pageJsonSchema(campaignDetailsJsonSchema).meta({
  id: 'CampaignDetailsList',
});

const slots = (description: string) => z.int().min(0).max(MAX_CAMPAIGN_TOTAL).meta({ description });

export const campaignConsequencesJsonSchema = z
  .object({
    campaignId: z.string(),
    of: z.enum(['close', 'lower']),
    total: slots('The stock now, in coupons.'),
    newTotal: slots('The stock afterwards.').nullable(),
    claimed: slots(
      'Claims that were admitted. They stay, and become coupons. null while the gate cannot be trusted.',
    ).nullable(),
    unissued: slots('Of these, claims that are no coupon yet.').nullable(),
    slotsClosed: slots('Slots that no claim can take any more.').nullable(),
    refusal: z
      .enum(['campaign-closed', 'total-below-claimed'])
      .nullable()
      .meta({ description: 'The code with which the act would be refused now; null: it would not.' }),
    version: z.int().min(1).meta({ description: 'For If-Match, in quotes.' }),
  })
  .meta({ id: 'CampaignConsequences' });

export type AdminCampaignJson = z.infer<typeof adminCampaignJsonSchema>;
export type CampaignDetailsJson = z.infer<typeof campaignDetailsJsonSchema>;

/** A campaign, or a draft as the campaign that it would be, as operators may see it. */
export interface AdminCampaignView {
  readonly campaign: Campaign;
  readonly state: AdminCampaignJson['state'];
  readonly remaining: number | null;
}

/** Nothing of a draft is taken. */
export function draftView(draft: CampaignDraft): AdminCampaignView {
  return { campaign: asPublished(draft), state: 'DRAFT', remaining: draft.total };
}

export function campaignJson(view: CampaignView): CampaignJson {
  return { ...termsJson(view), state: view.state };
}

export function adminCampaignJson(view: AdminCampaignView): AdminCampaignJson {
  return { ...termsJson(view), state: view.state };
}

export function campaignDetailsJson(view: AdminCampaignView): CampaignDetailsJson {
  const { issued, openedAt, lastClaimedAt, createdAt, updatedAt } = view.campaign;
  return {
    ...adminCampaignJson(view),
    issued,
    openedAt: isoOf(openedAt),
    lastClaimedAt: isoOf(lastClaimedAt),
    createdAt: isoOf(createdAt),
    updatedAt: isoOf(updatedAt),
  };
}

export function campaignConsequencesJson(
  { campaign, claimed, unissued, slotsClosed, refusal }: CampaignConsequences,
  act: CampaignAct,
): z.infer<typeof campaignConsequencesJsonSchema> {
  const { id, total, version } = campaign;
  const newTotal = act.of === 'lower' ? act.total : null;
  return { campaignId: id, of: act.of, total, newTotal, claimed, unissued, slotsClosed, refusal, version };
}

function termsJson({ campaign, remaining }: Pick<CampaignView, 'campaign' | 'remaining'>): Omit<CampaignJson, 'state'> {
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
    requireEntry,
    challenge,
    challengeCost,
    version,
  };
}
