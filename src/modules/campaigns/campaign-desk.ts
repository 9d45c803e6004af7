import { Injectable } from '@nestjs/common';
import { type Page, pageOf } from '../../platform/values/page.js';
import { Database } from '../../ports/database/database.js';
import { CampaignCatalogue, type CampaignCursor } from './campaign-catalogue.js';
import { type AdminCampaignView, draftView } from './campaign-json.js';

/** What operators see: campaigns and drafts in one list, as they are now. */
@Injectable()
export class CampaignDesk {
  constructor(
    private readonly database: Database,
    private readonly catalogue: CampaignCatalogue,
  ) {}

  /** @throws DatabaseError */
  async find(id: string): Promise<AdminCampaignView | null> {
    // The draft first: one that is published between the two reads is found as a campaign.
    const { draft, campaign } = await this.database.read(async (unit) => {
      const draft = await unit.drafts.find(id);
      return { draft, campaign: draft === null ? await unit.campaigns.find(id) : null };
    });
    if (draft !== null) return draftView(draft);
    if (campaign === null) return null;
    const [view] = await this.catalogue.viewMany([campaign]);
    return view ?? null;
  }

  /**
   * Newest first.
   * @throws DatabaseError
   */
  async list(limit: number, after?: CampaignCursor): Promise<Page<AdminCampaignView, CampaignCursor>> {
    const { drafts, campaigns } = await this.database.read(async (unit) => ({
      drafts: await unit.drafts.list(limit + 1, after),
      campaigns: await unit.campaigns.list(limit + 1, after),
    }));
    // One that is published between the two reads is in both.
    const published = new Set(campaigns.map(({ id }) => id));
    const ofDrafts = drafts.filter(({ id }) => !published.has(id)).map(draftView);
    const found = [...ofDrafts, ...(await this.catalogue.viewMany(campaigns))].sort(newestFirst);
    return pageOf(found, limit, ({ campaign: { createdAt, id } }) => ({ createdAt, id }));
  }
}

function newestFirst({ campaign: a }: AdminCampaignView, { campaign: b }: AdminCampaignView): number {
  return b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1);
}
