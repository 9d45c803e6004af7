import { type Campaign } from '../../domain/campaign.js';
import { type Database, type UnitOfWork } from './database.js';

/** Campaigns read, and asked of the gate, at once. */
export const CAMPAIGN_PAGE = 200;

/** One page of campaigns, with the database's clock at the moment of the read. */
export interface CampaignPage {
  readonly campaigns: readonly Campaign[];
  readonly readAt: number;
}

/** Every campaign at the gate, by id, in pages. Each page is a read of its own, so that nothing is held while the caller works. */
export async function* campaignPages(database: Database): AsyncGenerator<CampaignPage> {
  let after = '';
  for (;;) {
    const page = await database.read(async (unit) => ({
      campaigns: await unit.campaigns.listAtGate(after, CAMPAIGN_PAGE),
      readAt: await unit.now(),
    }));
    const last = page.campaigns.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.campaigns.length < CAMPAIGN_PAGE) return;
    after = last.id;
  }
}

/** Every campaign at the gate, within one unit of work. */
export async function forEachCampaign(unit: UnitOfWork, work: (campaign: Campaign) => void): Promise<void> {
  let after = '';
  for (;;) {
    const campaigns = await unit.campaigns.listAtGate(after, CAMPAIGN_PAGE);
    campaigns.forEach(work);
    const last = campaigns.at(-1);
    if (last === undefined || campaigns.length < CAMPAIGN_PAGE) return;
    after = last.id;
  }
}
