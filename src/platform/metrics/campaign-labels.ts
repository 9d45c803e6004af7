import { Injectable } from '@nestjs/common';

/** How many campaigns may have their own series at once. */
const MAX_LABELS = 1_000;
/** How many closed campaigns are remembered. When there are more, all are forgotten. */
const MAX_RETIRED = 10_000;

/** The label of all campaigns without their own. The id of a campaign is never this text. */
export const OTHER_CAMPAIGNS = 'other';

/**
 * Decides which campaigns are labels of this process's metrics: the newest ones that are not over. A closed campaign
 * loses its label. So does the oldest one if there are too many. Then every metric removes the campaign's series.
 *
 * Ids are ULIDs, which sort by age. The id of the default campaign sorts after them, so it counts as the newest and
 * stays.
 */
@Injectable()
export class CampaignLabels {
  private readonly labelled = new Set<string>();
  private readonly retired = new Set<string>();
  private readonly listeners: ((campaignId: string) => void)[] = [];
  /** The lowest id that is a label; null if it has to be found again. */
  private oldest: string | null = null;

  constructor(private readonly maxLabels = MAX_LABELS) {}

  /** Calls the listener for every campaign that stops being a label. */
  onRemoved(listener: (campaignId: string) => void): void {
    this.listeners.push(listener);
  }

  /** Returns the campaign's id, which is a label from now on, or {@link OTHER_CAMPAIGNS}. */
  labelFor(campaignId: string): string {
    if (this.labelled.has(campaignId)) return campaignId;
    if (this.retired.has(campaignId) || !this.makeRoomFor(campaignId)) return OTHER_CAMPAIGNS;
    this.labelled.add(campaignId);
    if (this.oldest !== null && campaignId < this.oldest) this.oldest = campaignId;
    return campaignId;
  }

  /** Removes the label of a campaign that is over. It does not become a label again. */
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
