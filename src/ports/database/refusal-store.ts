import { type ClaimRefusal } from '../../domain/refusals.js';

/** The first refusal of this kind that a user has got in a campaign. */
export interface Refusal {
  readonly campaignId: string;
  readonly userId: string;
  readonly code: ClaimRefusal;
  /** ms since the Unix epoch, by the gate's clock where the api knew it. */
  readonly refusedAt: number;
  readonly requestId: string;
}

/** The table `refusals`: why a user got nothing. It holds what support may tell, and no promise rests on it. */
export abstract class RefusalStore {
  /** Stores those of which the user has none of the same kind in the campaign yet. */
  abstract insertMissing(refusals: readonly Refusal[]): Promise<void>;

  /** A user's refusals in all campaigns, newest first. */
  abstract listByUser(userId: string, limit: number): Promise<Refusal[]>;

  /** How many rows there are, or a few more: the range of their ids. */
  abstract countAtMost(): Promise<number>;

  /**
   * Deletes the oldest rows, up to `limit` of them, that are older than `ageMs` by the database's clock.
   * @returns how many were deleted.
   */
  abstract prune(ageMs: number, limit: number): Promise<number>;
}
