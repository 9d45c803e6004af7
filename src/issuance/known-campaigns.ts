import { Inject, Injectable } from '@nestjs/common';
import { mayBeOpening } from '../gate/campaign-opening.js';
import { Database } from '../persistence/database.js';

/** How long an answer of the database is believed, ms: short, since a campaign may be made at any moment. */
const BELIEVED_MS = 1_000;
const MAX_REMEMBERED = 10_000;

/** `opening`: the gate may not know it yet. `known`: the gate has to know it. */
export type CampaignKnowledge = 'unknown' | 'opening' | 'known';

/**
 * Tells a campaign that does not exist from one that the gate has lost: at the gate the two look alike. Answers are
 * remembered for a moment, so that a flood of invented ids does not become a flood of queries.
 */
@Injectable()
export class KnownCampaigns {
  private readonly remembered = new Map<string, { answer: Promise<CampaignKnowledge>; until: number }>();

  constructor(@Inject(Database) private readonly database: Database) {}

  /** @throws DatabaseError */
  lookUp(campaignId: string): Promise<CampaignKnowledge> {
    const now = performance.now();
    const known = this.remembered.get(campaignId);
    if (known !== undefined && known.until > now) return known.answer;
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
    const answer = this.ask(campaignId);
    this.remembered.set(campaignId, { answer, until: now + BELIEVED_MS });
    answer.catch(() => this.remembered.delete(campaignId));
    return answer;
  }

  private ask(campaignId: string): Promise<CampaignKnowledge> {
    return this.database.read(async (unit) => {
      const campaign = await unit.campaigns.find(campaignId);
      if (campaign === null) return 'unknown';
      return mayBeOpening(campaign, await unit.now()) ? 'opening' : 'known';
    });
  }
}
