import { type Campaign } from '../../domain/campaign.js';
import { type CampaignTerms } from './issuance-gate.js';

/** What the gate has to know of a stored campaign. */
export function termsOf({ id, total, startsAt, endsAt, state, version }: Campaign): CampaignTerms {
  return { campaignId: id, total, startsAt, endsAt, state, version };
}
