import { Injectable } from '@nestjs/common';
import { type Campaign, type CampaignState, stateAt } from '../../domain/campaign.js';
import { Clock } from '../../platform/flow/clock.js';
import { SharedRead } from '../../platform/flow/shared-read.js';
import { type Page, pageOf } from '../../platform/values/page.js';
import { Database } from '../../ports/database/database.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../watch/epoch-watch.js';
import { GateCounts } from './gate-counts.js';

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

export type CampaignPage = Page<CampaignView, CampaignCursor>;

/** How old what callers see of campaigns may be, ms. */
const MAX_AGE_MS = 1_000;
/** Campaigns of the list that are kept in memory, newest first: a few MB. What lies behind them is read for each caller. */
const MAX_LISTED = 10_000;
/** Rows of one read: the embedded database answers within the event loop, and claims wait meanwhile. */
const ROWS_AT_ONCE = 500;
/** Pages that are kept as they are; callers ask for few different ones. */
const MAX_PAGES = 16;
/** Campaigns that are kept one by one, also those that do not exist. */
const MAX_SINGLE = 10_000;

/** The newest campaigns at one instant, and the pages that were made of them. */
interface Listing {
  readonly campaigns: readonly Campaign[];
  /** There are no older ones. */
  readonly complete: boolean;
  readonly counts: GateCounts;
  readonly pages: Map<string, Promise<CampaignPage>>;
}

/**
 * Reads campaigns, with what is left of their stock. All callers share one picture, at most a second old: in a drop
 * thousands look at the same campaign, and claims must not wait for them.
 */
@Injectable()
export class CampaignCatalogue {
  private readonly listing: SharedRead<Listing>;
  /** By id. The one that nobody has asked for the longest is the first, and the first to go. */
  private readonly single = new Map<string, SharedRead<CampaignView | null>>();
  /** Of the gate that the pictures tell of; null: it was closed. */
  private epoch: number | null = null;
  /** The gate's clock minus our own, ms. */
  private readonly gateOffset: SharedRead<number>;

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly clock: Clock,
  ) {
    this.listing = new SharedRead(() => this.readListing(), MAX_AGE_MS, clock);
    this.gateOffset = new SharedRead(() => this.readGateOffset(), MAX_AGE_MS, clock);
  }

  /** @throws DatabaseError */
  find(campaignId: string): Promise<CampaignView | null> {
    this.forgetOtherEpochs();
    const read = this.single.get(campaignId) ?? new SharedRead(() => this.read(campaignId), MAX_AGE_MS, this.clock);
    // To the end: invented ids must not push out the campaign that everybody looks at.
    this.single.delete(campaignId);
    this.single.set(campaignId, read);
    if (this.single.size > MAX_SINGLE) this.single.delete(this.single.keys().next().value as string);
    return read.get();
  }

  /**
   * Newest first.
   * @throws DatabaseError
   */
  async list(limit: number, after?: CampaignCursor): Promise<CampaignPage> {
    this.forgetOtherEpochs();
    const { campaigns, complete, counts, pages } = await this.listing.get();
    const from = after === undefined ? 0 : firstBehind(campaigns, after);
    if (from + limit >= campaigns.length && !complete) {
      const rows = await this.database.read((unit) => unit.campaigns.list(limit + 1, after));
      return this.viewPage(rows, limit, counts);
    }
    const key = `${limit} ${from}`;
    const known = pages.get(key);
    if (known !== undefined) return known;
    const page = this.viewPage(campaigns.slice(from, from + limit + 1), limit, counts);
    if (pages.size < MAX_PAGES) pages.set(key, page);
    return page;
  }

  /** The campaign as it is now: for those who have just changed it. Others see it at once, too. */
  view(campaign: Campaign): Promise<CampaignView> {
    this.forget(campaign.id);
    return this.viewNow(campaign);
  }

  /**
   * A campaign as the answer to its making shows it, the first time and whenever that is told again: with all of its
   * stock, in the state of the instant `at`. Nothing is left of it to tell while the gate cannot vouch for it.
   */
  async viewAsCreated(campaign: Campaign, at: number): Promise<CampaignView> {
    const { remaining } = await this.view(campaign);
    return { campaign, state: stateAt(campaign, at), remaining: remaining === null ? null : campaign.total };
  }

  /** What this process has changed is read again. */
  forget(campaignId: string): void {
    this.single.delete(campaignId);
    this.listing.forget();
  }

  /** What is left of a campaign is not known while the gate is closed, and is known as soon as it is open again. */
  private forgetOtherEpochs(): void {
    const epoch = this.watch.pass?.epoch ?? null;
    if (epoch === this.epoch) return;
    this.epoch = epoch;
    this.single.clear();
    this.listing.forget();
  }

  private async read(campaignId: string): Promise<CampaignView | null> {
    const campaign = await this.database.read((unit) => unit.campaigns.find(campaignId));
    if (campaign === null) return null;
    return this.viewNow(campaign);
  }

  private async readListing(): Promise<Listing> {
    const campaigns: Campaign[] = [];
    let complete = false;
    while (!complete && campaigns.length < MAX_LISTED) {
      const last = campaigns.at(-1);
      const rows = await this.database.read((unit) => unit.campaigns.list(ROWS_AT_ONCE, last));
      campaigns.push(...rows);
      complete = rows.length < ROWS_AT_ONCE;
    }
    return { campaigns, complete, counts: this.freshCounts(), pages: new Map() };
  }

  /** @param campaigns one more than the limit where there are others behind. */
  private async viewPage(campaigns: readonly Campaign[], limit: number, counts: GateCounts): Promise<CampaignPage> {
    const { rows, next } = pageOf(campaigns, limit, ({ createdAt, id }) => ({ createdAt, id }));
    return { rows: await this.viewAll(rows, counts), next };
  }

  /** Campaigns can be read while the gate is away: what it would have said is left out. */
  private async viewAll(campaigns: readonly Campaign[], counts: GateCounts): Promise<CampaignView[]> {
    const [offset, claimed] = await Promise.all([this.gateOffset.get(), counts.claimed(campaigns.map(({ id }) => id))]);
    const now = this.clock.wall() + offset;
    return campaigns.map((campaign) => {
      const taken = claimed.get(campaign.id);
      return {
        campaign,
        state: stateAt(campaign, now),
        remaining: taken === undefined ? null : Math.max(0, campaign.total - taken),
      };
    });
  }

  private async viewNow(campaign: Campaign): Promise<CampaignView> {
    const [view] = await this.viewAll([campaign], this.freshCounts());
    return view as CampaignView;
  }

  private freshCounts(): GateCounts {
    return new GateCounts(this.gate, this.watch);
  }

  private async readGateOffset(): Promise<number> {
    try {
      return (await this.gate.now()) - this.clock.wall();
    } catch {
      return 0;
    }
  }
}

/** Index of the first campaign that the list, newest first, has behind the cursor. */
function firstBehind(campaigns: readonly Campaign[], { createdAt, id }: CampaignCursor): number {
  let [low, high] = [0, campaigns.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = campaigns[middle] as Campaign;
    if (at.createdAt < createdAt || (at.createdAt === createdAt && at.id < id)) high = middle;
    else low = middle + 1;
  }
  return low;
}
