import { Injectable } from '@nestjs/common';

/** Campaigns that have series of their own at once. */
const MAX_LABELS = 1_000;
/** Campaigns of which it is remembered that they have none; when there are more, all of them are looked at anew. */
const MAX_RETIRED = 10_000;

/** The label of all campaigns that have none of their own. No id of a campaign can be this. */
export const OTHER_CAMPAIGNS = 'other';

/**
 * Which campaigns are labels of this process's metrics: the newest ones that are not over. A closed campaign leaves, and
 * so does the oldest one where there are too many; every metric removes its series then.
 *
 * Ids are ULIDs, which sort by age; that of the default campaign sorts behind them, so it stays.
 */
@Injectable()
export class CampaignLabels {
  private readonly labelled = new Set<string>();
  private readonly retired = new Set<string>();
  private readonly listeners: ((campaignId: string) => void)[] = [];
  /** The lowest id that is labelled; null: to be looked for. */
  private oldest: string | null = null;

  constructor(private readonly maxLabels = MAX_LABELS) {}

  /** Calls the listener for every campaign that is no label any more. */
  onRemoved(listener: (campaignId: string) => void): void {
    this.listeners.push(listener);
  }

  /** The campaign's id, which is a label from now on, or {@link OTHER_CAMPAIGNS}. */
  labelFor(campaignId: string): string {
    if (this.labelled.has(campaignId)) return campaignId;
    if (this.retired.has(campaignId) || !this.makeRoomFor(campaignId)) return OTHER_CAMPAIGNS;
    this.labelled.add(campaignId);
    if (this.oldest !== null && campaignId < this.oldest) this.oldest = campaignId;
    return campaignId;
  }

  /** The campaign is over and becomes no label again. */
  retire(campaignId: string): void {
    if (!this.labelled.has(campaignId)) return;
    this.remove(campaignId);
    if (this.retired.size >= MAX_RETIRED) this.retired.clear();
    this.retired.add(campaignId);
  }

  private makeRoomFor(campaignId: string): boolean {
    if (this.labelled.size < this.maxLabels) return true;
    this.oldest ??= [...this.labelled].reduce((a, b) => (a < b ? a : b));
    if (campaignId < this.oldest) return false;
    this.remove(this.oldest);
    return true;
  }

  private remove(campaignId: string): void {
    this.labelled.delete(campaignId);
    if (campaignId === this.oldest) this.oldest = null;
    for (const listener of this.listeners) listener(campaignId);
  }
}
