import { Inject, Injectable } from '@nestjs/common';
import { EpochWatch } from '../gate/epoch-watch.js';
import { IssuanceGate } from '../gate/issuance-gate.js';
import { type Campaign } from '../persistence/campaign-store.js';
import { Database } from '../persistence/database.js';
import { type CampaignState, stateAt } from './campaign-state.js';

/** A campaign as everybody may see it. */
export interface CampaignView {
  readonly campaign: Campaign;
  readonly state: CampaignState;
  /** total − admitted claims; null while the gate cannot be trusted or reached. */
  readonly remaining: number | null;
}

/** Where the last page ended. */
export interface CampaignCursor {
  readonly createdAt: number;
  readonly id: string;
}

/** Reads campaigns, with what is left of their stock. */
@Injectable()
export class CampaignCatalogue {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(IssuanceGate) private readonly gate: IssuanceGate,
    @Inject(EpochWatch) private readonly watch: EpochWatch,
  ) {}

  /** @throws DatabaseError */
  async find(campaignId: string): Promise<CampaignView | null> {
    const campaign = await this.database.read((unit) => unit.campaigns.find(campaignId));
    return campaign === null ? null : this.view(campaign);
  }

  /**
   * Newest first.
   * @throws DatabaseError
   */
  async list(limit: number, after?: CampaignCursor): Promise<{ views: CampaignView[]; next: CampaignCursor | null }> {
    const campaigns = await this.database.read((unit) => unit.campaigns.list(limit + 1, after));
    const page = campaigns.slice(0, limit);
    const last = page.at(-1);
    const next = campaigns.length > limit && last !== undefined ? { createdAt: last.createdAt, id: last.id } : null;
    return { views: await this.viewAll(page), next };
  }

  async view(campaign: Campaign): Promise<CampaignView> {
    return viewOf(campaign, await this.askGate([campaign.id]));
  }

  /**
   * A campaign as the answer to its making shows it, the first time and whenever that is told again: with all of its
   * stock, in the state of the instant `at`. Nothing is left of it to tell while the gate cannot vouch for it.
   */
  async viewAsCreated(campaign: Campaign, at: number): Promise<CampaignView> {
    const { remaining } = await this.view(campaign);
    return { campaign, state: stateAt(campaign, at), remaining: remaining === null ? null : campaign.total };
  }

  private async viewAll(campaigns: readonly Campaign[]): Promise<CampaignView[]> {
    const answer = await this.askGate(campaigns.map(({ id }) => id));
    return campaigns.map((campaign) => viewOf(campaign, answer));
  }

  /** Campaigns can be read while the gate is away: what it would have said is left out. */
  private async askGate(ids: readonly string[]): Promise<GateAnswer> {
    const claimed = new Map<string, number>();
    const pass = this.watch.pass;
    try {
      const now = await this.gate.now();
      if (pass !== null && ids.length > 0) {
        for (const gauge of await this.gate.gauge(pass, ids)) {
          if (!('kind' in gauge)) claimed.set(gauge.campaignId, gauge.claimed);
        }
      }
      return { now, claimed };
    } catch {
      this.watch.reportGateTrouble();
      return { now: Date.now(), claimed: new Map() };
    }
  }
}

/** What the gate says about some campaigns. */
interface GateAnswer {
  readonly now: number;
  /** campaignId → admitted claims; a campaign that the gate cannot vouch for is missing. */
  readonly claimed: ReadonlyMap<string, number>;
}

function viewOf(campaign: Campaign, { now, claimed }: GateAnswer): CampaignView {
  const taken = claimed.get(campaign.id);
  return {
    campaign,
    state: stateAt(campaign, now),
    remaining: taken === undefined ? null : Math.max(0, campaign.total - taken),
  };
}
