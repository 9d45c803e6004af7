import { Injectable } from '@nestjs/common';

/**
 * The ids of the campaigns that are stored and not closed, as this process last read them. What a claim is counted under
 * while nobody can be asked: an id that a caller has invented never becomes a label.
 */
@Injectable()
export class StoredCampaignIds {
  private ids: ReadonlySet<string> = new Set();

  has(campaignId: string): boolean {
    return this.ids.has(campaignId);
  }

  /** All of them, as they were read. */
  replace(ids: Iterable<string>): void {
    this.ids = new Set(ids);
  }
}
