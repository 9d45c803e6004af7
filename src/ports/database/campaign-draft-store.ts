import { type Campaign, type CampaignDraft, type EntryTerms } from '../../domain/campaign.js';

export type DraftChange = Partial<Pick<Campaign, 'name' | 'total' | 'startsAt' | 'endsAt' | keyof EntryTerms>>;

/**
 * The table `campaign_drafts`. A draft is no row of `campaigns`, so nothing that reads campaigns can show it or open it: no
 * public call, no rebuild, and no process of a version that knows no drafts (ADR 55).
 */
export abstract class CampaignDraftStore {
  abstract find(id: string): Promise<CampaignDraft | null>;

  /** Locks the row until the end of the transaction. Change, publication and deletion of one draft wait for each other. */
  abstract lock(id: string): Promise<CampaignDraft | null>;

  /** Newest first; `before` is the keyset of the last row of the page before. */
  abstract list(limit: number, before?: { createdAt: number; id: string }): Promise<CampaignDraft[]>;

  /** Version 1. */
  abstract insert(draft: Omit<CampaignDraft, 'version' | 'createdAt' | 'updatedAt'>): Promise<CampaignDraft>;

  /**
   * Applies the change and sets `version`. The caller holds the row's lock.
   * @returns the row as it is then.
   */
  abstract update(id: string, change: DraftChange, version: number): Promise<CampaignDraft>;

  /** The caller holds the row's lock. */
  abstract delete(id: string): Promise<void>;
}
