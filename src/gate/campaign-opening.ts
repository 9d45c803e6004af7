import { type Campaign } from '../persistence/campaign-store.js';

/**
 * How long a stored campaign may be on its way to the gate, ms: its row is committed first, and whoever stored it then
 * opens it there. Until then a missing meta is no fence, afterwards it is one: a creator that died never comes back.
 *
 * Above what a commit on a slow database and a gate call take together. Too short would close the whole gate for a
 * rebuild because of one slow call; too long keeps only the claims of this one campaign waiting.
 */
export const CAMPAIGN_OPENING_MS = 5_000;

/** @param now ms, the database's clock: the one by which `createdAt` was written. */
export function mayBeOpening({ createdAt }: Pick<Campaign, 'createdAt'>, now: number): boolean {
  return now - createdAt < CAMPAIGN_OPENING_MS;
}
