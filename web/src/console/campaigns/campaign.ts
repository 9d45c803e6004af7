import { attempt, type Outcome } from '../../api/attempt.ts';
import { api, type Schemas } from '../../api/client.ts';

/** A campaign or draft, as operators see it. */
export type Campaign = Schemas['CampaignDetails'];
export type CampaignState = Campaign['state'];
export type CampaignPage = Schemas['CampaignDetailsList'];

export const CHALLENGES = ['none', 'proof-of-work', 'turnstile'] as const satisfies readonly Campaign['challenge'][];

export function listCampaigns(limit: number, cursor?: string): Promise<Outcome<CampaignPage>> {
  const query = cursor === undefined ? { limit } : { limit, cursor };
  return attempt(api.GET('/api/admin/campaigns', { params: { query } }));
}

export function findCampaign(campaignId: string): Promise<Outcome<Campaign>> {
  return attempt(api.GET('/api/admin/campaigns/{campaignId}', { params: { path: { campaignId } } }));
}

/** The validator of a version, for If-Match. */
export function etagOf({ version }: Pick<Campaign, 'version'>): string {
  return `"${version}"`;
}
