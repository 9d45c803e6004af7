import { Injectable } from '@nestjs/common';
import { type Campaign } from '../../domain/campaign.js';
import { type ClaimRecord } from '../../domain/claim.js';
import { codeAsTyped } from '../../domain/code-as-typed.js';
import { USER_ID } from '../../domain/user-id.js';
import { type Coupon } from '../../ports/database/coupon-store.js';
import { Clock } from '../../platform/flow/clock.js';
import { Seldom } from '../../platform/flow/seldom.js';
import { type CallOrigin } from '../../platform/identity/actor.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import { type FailedEvent } from '../../ports/database/failed-event-store.js';
import { type Refusal } from '../../ports/database/refusal-store.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { EpochWatch } from '../gate-watch/epoch-watch.js';

/** The most campaigns at the gate that one search looks at, and the most coupons and refusals of one user. */
const MAX_CAMPAIGNS = 200;
const MAX_ROWS = 100;
/** How often the codes of one user, shown to one caller, leave a line in the audit log, ms. */
const SAME_USER_MS = 600_000;

/** What is known of a user in one campaign. At least one part is there. */
export interface CampaignStory {
  readonly campaign: Campaign;
  readonly coupon: Coupon | null;
  /** What the gate has admitted and the database does not hold yet. */
  readonly admitted: ClaimRecord | null;
  readonly failed: Pick<FailedEvent, 'claim' | 'status'> | null;
  /** The first of each kind, newest first. */
  readonly refusals: readonly Refusal[];
}

export interface UserStory {
  readonly userId: string;
  /** What the searched text was. */
  readonly foundBy: 'user' | 'claim' | 'code';
  readonly campaigns: readonly CampaignStory[];
}

export interface SearchResult {
  readonly users: readonly UserStory[];
  /** Could the gate be asked? If not, a claim that is not stored yet is missing. */
  readonly gateAnswered: boolean;
  /** Were all campaigns and rows looked at? */
  readonly complete: boolean;
}

/** Finds what gate and database know of one user, by the user's id, a claim's id or a coupon's code. */
@Injectable()
export class UserStories {
  private readonly shown: Seldom;

  constructor(
    private readonly database: Database,
    private readonly gate: IssuanceGate,
    private readonly watch: EpochWatch,
    clock: Clock,
  ) {
    this.shown = new Seldom(clock, SAME_USER_MS);
  }

  /**
   * A caller who sees a code leaves a line in the audit log. The searched text is not in it, since it may be a code.
   *
   * @param shownTo who sees the codes; null when nobody does.
   * @throws DatabaseError
   */
  async search(text: string, shownTo: CallOrigin | null): Promise<SearchResult> {
    const users: UserStory[] = [];
    let [gateAnswered, complete] = [true, true];
    for (const [userId, foundBy] of await this.usersFor(text)) {
      const known = await this.database.read((unit) => readStories(unit, userId));
      complete &&= known.complete;
      const answered = await this.addAdmitted(known.campaigns, userId);
      gateAnswered &&= answered;
      const campaigns = known.campaigns.filter(
        ({ coupon, admitted, failed, refusals }) =>
          coupon !== null || admitted !== null || failed !== null || refusals.length > 0,
      );
      if (campaigns.length > 0) users.push({ userId, foundBy, campaigns });
      if (shownTo !== null && campaigns.some(({ coupon }) => coupon !== null)) await this.record(userId, shownTo);
    }
    return { users, gateAnswered, complete };
  }

  private async record(userId: string, by: CallOrigin): Promise<void> {
    const action = { action: 'search', subject: 'user', campaignId: null, by, detail: { userId } };
    const key = JSON.stringify([by.actor.id, by.address, userId]);
    await this.shown.run(key, () => this.database.transaction((unit) => unit.audit.record(action)));
  }

  /** User's id → how the text leads there. A text may be a claim's id or a code, and in any case a user's id. */
  private usersFor(text: string): Promise<Map<string, UserStory['foundBy']>> {
    return this.database.read(async (unit) => {
      const users = new Map<string, UserStory['foundBy']>();
      if (USER_ID.test(text)) users.set(text, 'user');
      // The exact text first, then the code that a person may have meant.
      for (const written of new Set([text, codeAsTyped(text) ?? text])) {
        const coupon = await unit.coupons.findByClaimOrCode(written);
        if (coupon !== null) users.set(coupon.userId, coupon.claimId === written ? 'claim' : 'code');
        for (const { claim } of await unit.failedEvents.findByClaimIds([written])) {
          if (claim !== null && !users.has(claim.userId)) users.set(claim.userId, 'claim');
        }
      }
      return users;
    });
  }

  /**
   * Asks the gate where the database knows no claim.
   * @returns false if the gate could not be asked about one of them.
   */
  private async addAdmitted(stories: Writable<CampaignStory>[], userId: string): Promise<boolean> {
    const { pass } = this.watch;
    const open = stories.filter(({ campaign, coupon }) => coupon === null && campaign.leftGateAt === null);
    if (pass === null) return open.length === 0;
    const answers = await Promise.all(
      open.map(async (story) => {
        try {
          const outcome = await this.gate.lookUp(pass, story.campaign.id, userId);
          if (outcome.kind === 'found') story.admitted = outcome.record;
          return outcome.kind !== 'fenced';
        } catch {
          return false;
        }
      }),
    );
    return answers.every(Boolean);
  }
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Of every campaign that the user may have to do with. */
async function readStories(
  unit: UnitOfWork,
  userId: string,
): Promise<{ campaigns: Writable<CampaignStory>[]; complete: boolean }> {
  const coupons = await unit.coupons.listByUser(userId, MAX_ROWS);
  const refusals = await unit.refusals.listByUser(userId, MAX_ROWS);
  const atGate = await unit.campaigns.listAtGate('', MAX_CAMPAIGNS);
  const campaigns = new Map(atGate.map((campaign) => [campaign.id, campaign]));
  const others = [...coupons, ...refusals].map(({ campaignId }) => campaignId).filter((id) => !campaigns.has(id));
  for (const campaign of await unit.campaigns.findMany([...new Set(others)])) campaigns.set(campaign.id, campaign);
  const stories: Writable<CampaignStory>[] = [];
  for (const campaign of campaigns.values()) {
    const coupon = coupons.find(({ campaignId }) => campaignId === campaign.id) ?? null;
    stories.push({
      campaign,
      coupon,
      admitted: null,
      failed: coupon === null ? await unit.failedEvents.findByUser(campaign.id, userId) : null,
      refusals: refusals.filter(({ campaignId }) => campaignId === campaign.id),
    });
  }
  const complete = atGate.length < MAX_CAMPAIGNS && coupons.length < MAX_ROWS && refusals.length < MAX_ROWS;
  return { campaigns: stories, complete };
}
