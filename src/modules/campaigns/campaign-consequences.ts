import { Injectable } from '@nestjs/common';
import { type Campaign } from '../../domain/campaign.js';
import { Database } from '../../ports/database/database.js';
import { CampaignCatalogue } from './campaign-catalogue.js';

/** What an operator thinks of doing. */
export type CampaignAct = { readonly of: 'close' } | { readonly of: 'lower'; readonly total: number };

export interface CampaignConsequences {
  readonly campaign: Campaign;
  /** Claims that the gate has admitted: they stay, and become coupons. null while the gate cannot be trusted. */
  readonly claimed: number | null;
  /** Of these, claims that are no coupon yet. */
  readonly unissued: number | null;
  /** Slots that no claim can take any more. */
  readonly slotsClosed: number | null;
  /** Why the act would be refused now; null: it would not. */
  readonly refusal: 'campaign-closed' | 'total-below-claimed' | null;
}

/** Says what an act would do to a campaign, by the numbers of now. Claims go on: the act itself decides by its own. */
@Injectable()
export class CampaignConsequencesReader {
  constructor(
    private readonly database: Database,
    private readonly catalogue: CampaignCatalogue,
  ) {}

  /** @throws DatabaseError */
  async read(id: string, act: CampaignAct): Promise<CampaignConsequences | null> {
    const campaign = await this.database.read((unit) => unit.campaigns.find(id));
    return campaign === null ? null : this.of(campaign, act);
  }

  async of(campaign: Campaign, act: CampaignAct): Promise<CampaignConsequences> {
    const [view] = await this.catalogue.viewMany([campaign]);
    const remaining = view?.remaining ?? null;
    const claimed = remaining === null ? null : campaign.total - remaining;
    const open = act.of === 'close' ? remaining : Math.max(0, campaign.total - act.total);
    return {
      campaign,
      claimed,
      // A claim may have become a coupon between the two readings.
      unissued: claimed === null ? null : Math.max(0, claimed - campaign.issued),
      slotsClosed: campaign.state === 'CLOSED' ? 0 : open,
      refusal: refusalOf(campaign, act, claimed),
    };
  }
}

function refusalOf(campaign: Campaign, act: CampaignAct, claimed: number | null): CampaignConsequences['refusal'] {
  // A second close is done already.
  if (act.of === 'close') return null;
  if (campaign.state === 'CLOSED') return 'campaign-closed';
  return act.total < campaign.total && act.total < Math.max(claimed ?? 0, campaign.issued)
    ? 'total-below-claimed'
    : null;
}
