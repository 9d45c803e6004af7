import { Injectable } from '@nestjs/common';
import { type Campaign, type CampaignState, stateAt } from '../../domain/campaign.js';
import { Clock } from '../../platform/flow/clock.js';
import { SharedRead } from '../../platform/flow/shared-read.js';
import { type Page, pageOf } from '../../platform/values/page.js';
import { Database } from '../../ports/database/database.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';
import { GateClock } from '../gate-watch/gate-clock.js';
import { GateCounts } from './gate-counts.js';

/** A campaign as every caller may see it. */
export interface CampaignView {
  readonly campaign: Campaign;
  readonly state: CampaignState;
  /** total − admitted claims, or − coupons once it has left the gate; null while the gate cannot be trusted or reached. */
  readonly remaining: number | null;
}

/** Where the last page ended. */
export interface CampaignCursor {
  readonly createdAt: number;
  readonly id: string;
}

export type CampaignPage = Page<CampaignView, CampaignCursor>;

/** How old the campaigns that callers see may be, ms. */
const MAX_AGE_MS = 1_000;
/** The newest campaigns, which are kept in memory: a few MB. Older ones are read for each caller. */
const MAX_LISTED = 10_000;
/** Rows of one read. The embedded database runs in the event loop, and claims wait during a read. */
const ROWS_AT_ONCE = 500;
/** Pages that are kept; callers ask for few different ones. */
const MAX_PAGES = 16;
/** Single campaigns that are kept, also ids that do not exist. */
const MAX_SINGLE = 10_000;

/** The newest campaigns at one instant, and the pages made of them. */
interface Listing {
  readonly campaigns: readonly Campaign[];
  /** Whether these are all campaigns. */
  readonly complete: boolean;
  readonly counts: GateCounts;
  readonly pages: Map<string, Promise<CampaignPage>>;
}

/**
 * Reads campaigns, with what is left of their stock. All callers share one read, at most a second old: in a drop
 * thousands look at the same campaign, and claims must not wait for them.
 */
@Injectable()
export class CampaignCatalogue {
  private readonly listing: SharedRead<Listing>;
  /** By id, the least recently asked one first; that one is dropped first. */
  private readonly single = new Map<string, SharedRead<CampaignView | null>>();
  /** The epoch of the gate when the campaigns were read; null: it was closed. */
  private epoch: number | null = null;
  private readonly gateClock: GateClock;

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    private readonly clock: Clock,
  ) {
    this.listing = new SharedRead(() => this.readListing(), MAX_AGE_MS, clock);
    this.gateClock = new GateClock(gate, clock);
  }

  /** @throws DatabaseError */
  find(campaignId: string): Promise<CampaignView | null> {
    this.forgetOtherEpochs();
    const read = this.single.get(campaignId) ?? new SharedRead(() => this.read(campaignId), MAX_AGE_MS, this.clock);
    // Move it to the end, so that invented ids do not push out the campaign that everybody looks at.
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

  /** The campaign as it is now, for the caller that has just changed it. Other callers see it at once too. */
  view(campaign: Campaign): Promise<CampaignView> {
    this.forget(campaign.id);
    return this.viewNow(campaign);
  }

  /** Campaigns as they are now, for operators: nothing of it is kept. */
  viewMany(campaigns: readonly Campaign[]): Promise<CampaignView[]> {
    return this.viewAll(campaigns, this.freshCounts());
  }

  /**
   * A campaign for the 201 of the call that made it: with its whole stock, in the state of the instant `at`. Its
   * `remaining` is null while the gate cannot be trusted or does not know it.
   */
  async viewAsCreated(campaign: Campaign, at: number): Promise<CampaignView> {
    const { remaining } = await this.view(campaign);
    return { campaign, state: stateAt(campaign, at), remaining: remaining === null ? null : campaign.total };
  }

  /**
   * The same for the 201 of a repeated call. It does not ask the gate about the campaign: the call that makes it may still
   * be opening it there, and both calls have to hear the same.
   */
  viewAsReplayed(campaign: Campaign, at: number): CampaignView {
    return { campaign, state: stateAt(campaign, at), remaining: this.watch.pass === null ? null : campaign.total };
  }

  /** The next caller reads the campaign again. */
  forget(campaignId: string): void {
    this.single.delete(campaignId);
    this.listing.forget();
  }

  /** `remaining` becomes null when the gate closes, and a number again when it opens: forget what was read before. */
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

  /** @param campaigns one more than the limit when more follow. */
  private async viewPage(campaigns: readonly Campaign[], limit: number, counts: GateCounts): Promise<CampaignPage> {
    const { rows, next } = pageOf(campaigns, limit, ({ createdAt, id }) => ({ createdAt, id }));
    return { rows: await this.viewAll(rows, counts), next };
  }

  /** While the gate is away, campaigns can still be read, without `remaining`. */
  private async viewAll(campaigns: readonly Campaign[], counts: GateCounts): Promise<CampaignView[]> {
    const atGate = campaigns.filter(({ leftGateAt }) => leftGateAt === null).map(({ id }) => id);
    const [offset, claimed] = await Promise.all([this.gateClock.offsetMs(), counts.claimed(atGate)]);
    const now = this.clock.wall() + offset;
    return campaigns.map((campaign) => {
      // Each claim of a campaign that has left the gate is a coupon.
      const taken = campaign.leftGateAt === null ? claimed.get(campaign.id) : campaign.issued;
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
}

/** Index of the first campaign behind the cursor; the list has the newest first. */
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
