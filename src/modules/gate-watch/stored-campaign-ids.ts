import { Injectable } from '@nestjs/common';

/**
 * The ids of the campaigns that are stored and not closed, as this process last read them. While neither gate nor
 * database answers, the metrics count a claim only under such an id: an id that a caller has invented never becomes a
 * label.
 */
@Injectable()
export class StoredCampaignIds {
  private ids: ReadonlySet<string> = new Set();

  has(campaignId: string): boolean {
    return this.ids.has(campaignId);
  }

  /** @param ids all of them. */
  replace(ids: Iterable<string>): void {
    this.ids = new Set(ids);
  }
}
