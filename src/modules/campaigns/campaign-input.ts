import { z } from 'zod';
import { NO_ENTRY } from '../../domain/campaign.js';
import {
  campaignName,
  campaignTotal,
  challenge,
  challengeCost,
  flag,
  instant,
} from '../../platform/http/input/schemas.js';

const REQUIRE_ENTRY = 'Whether a claim needs an entry token. Every api knows it a second later.';

/** A campaign, or a draft, as an operator asks for it. */
export const newCampaign = z
  .strictObject({
    name: campaignName,
    total: campaignTotal,
    startsAt: instant.nullish().meta({ description: 'Without it, or null: now.' }),
    endsAt: instant.nullish().meta({ description: 'Later than the start, and not past. Without it, or null: never.' }),
    requireEntry: flag.default(NO_ENTRY.requireEntry).meta({ description: REQUIRE_ENTRY }),
    challenge: challenge.default(NO_ENTRY.challenge),
    challengeCost: challengeCost.default(NO_ENTRY.challengeCost),
    state: z
      .enum(['DRAFT'], { error: 'draft-state' })
      .optional()
      .meta({ description: 'DRAFT keeps it from all but operators until it is published. Without it: published now.' }),
  })
  .meta({
    id: 'NewCampaign',
    example: { name: '점심 쿠폰', total: 10_000, startsAt: '2026-12-01T12:00+09:00', endsAt: '2099-12-31T18:00+09:00' },
  });
/** A change of a campaign or a draft. */
export const campaignChange = z
  .strictObject({
    name: campaignName.optional(),
    total: campaignTotal.optional(),
    startsAt: instant.optional(),
    endsAt: instant.nullable().optional(),
    requireEntry: flag.optional().meta({ description: REQUIRE_ENTRY }),
    challenge: challenge.optional(),
    challengeCost: challengeCost.optional(),
  })
  .refine((change) => Object.keys(change).length > 0, {
    error: 'nothing-to-change',
    // Skip this check when others failed: a caller that misspelt the only property needs to hear that instead.
    when: ({ issues }) => issues.length === 0,
  })
  .meta({ id: 'CampaignChange', minProperties: 1, example: { name: '저녁 쿠폰', total: 20_000 } });
