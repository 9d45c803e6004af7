import { type Campaign, type EntryTerms } from '../../domain/campaign.js';

/** What a campaign is made with; the rest is the same for every new one. The version before wrote no entry terms. */
export type CampaignTerms = Pick<Campaign, 'id' | 'name' | 'total' | 'startsAt' | 'endsAt'> & Partial<EntryTerms>;

/** A campaign that a call with an Idempotency-Key has made. */
export interface CampaignCreation {
  /** Digest of the key. One call made the campaign, and every later call with the key gets its answer. */
  keyDigest: string;
  /** Digest of the request. The key stands for this request and no other. */
  requestDigest: string;
  /** The campaign as it was made, without later changes. */
  campaign: CampaignTerms;
  /** When it was made, ms by the gate's clock. The answer told the campaign's state at this instant. */
  at: number;
}

/**
 * The table `campaign_creations`, written in the transaction that makes the campaign: neither exists without the other.
 * It grows with the campaigns and, like them, is never pruned.
 */
export abstract class CampaignCreationStore {
  abstract find(keyDigest: string): Promise<CampaignCreation | null>;

  /** Rejects with `DatabaseError` of kind `duplicate` when another call has used the key first. */
  abstract insert(creation: CampaignCreation): Promise<void>;
}
