import { type Campaign, type EntryTerms } from '../../domain/campaign.js';

export type CampaignChange = Partial<
  Pick<Campaign, 'name' | 'total' | 'startsAt' | 'endsAt' | 'state' | keyof EntryTerms>
>;

/** A campaign whose claims need an entry token. */
export type EntryCampaign = Pick<Campaign, 'id' | 'challenge' | 'challengeCost'>;

/** The table `campaigns`, seen from inside one transaction. */
export abstract class CampaignStore {
  abstract find(id: string): Promise<Campaign | null>;
  abstract findMany(ids: readonly string[]): Promise<Campaign[]>;

  /** Locks in id order, so that two transactions can never wait for each other. Ids that do not exist are left out. */
  abstract lock(ids: readonly string[]): Promise<Campaign[]>;

  /** Newest first; `before` is the keyset of the last row of the page before. */
  abstract list(limit: number, before?: { createdAt: number; id: string }): Promise<Campaign[]>;

  /** Those that have not left the gate, by id, from behind `afterId` on. */
  abstract listAtGate(afterId: string, limit: number): Promise<Campaign[]>;

  /** Of {@link listAtGate}, those in state OPEN whose window ended at `before` or earlier. */
  abstract listEnded(before: number, afterId: string, limit: number): Promise<Campaign[]>;

  /** Of {@link listAtGate}, those that are CLOSED and did not change after `before`. */
  abstract listClosed(before: number, afterId: string, limit: number): Promise<Campaign[]>;

  /** Those that have left the gate, and whose memory it may still hold. The longest gone first. */
  abstract listUncleared(limit: number): Promise<Campaign[]>;

  /** The campaigns that require an entry and are not closed. */
  abstract requiringEntry(): Promise<EntryCampaign[]>;

  /**
   * Version 1 unless it has been a draft, issued 0; without entry terms, it asks for none. Rejects with `DatabaseError` of
   * kind `duplicate` when the id is taken.
   */
  abstract insert(
    campaign: Pick<Campaign, 'id' | 'name' | 'total' | 'startsAt' | 'endsAt' | 'state'> &
      Partial<EntryTerms & Pick<Campaign, 'version'>>,
  ): Promise<Campaign>;

  /**
   * Applies the change, sets `version`, and adapts `soldOutAt` and `openedAt`. The caller holds the row's lock.
   *
   * @returns the row as it is then.
   */
  abstract update(id: string, change: CampaignChange, version: number): Promise<Campaign>;

  /**
   * Adds `count` to `issued`. `claimedAt` is when the gate admitted the latest of these claims. With the last coupon of
   * the total, `soldOutAt` is set. The caller holds the row's lock and has checked the total.
   */
  abstract addIssued(id: string, count: number, claimedAt: number): Promise<void>;

  /**
   * Notes that the window of this version has begun.
   * @returns false when another process has noted it, or the window was moved.
   */
  abstract markOpened(id: string, version: number): Promise<boolean>;

  /** Sets `leftGateAt`. The caller holds a share of the gate row and the row's lock, and has checked what may leave. */
  abstract markLeft(id: string): Promise<void>;

  /** Notes that the gate has forgotten a campaign that has left. */
  abstract markCleared(id: string): Promise<void>;
}
