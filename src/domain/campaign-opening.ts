import { type Campaign } from '../ports/database/campaign-store.js';

/**
 * How long a stored campaign may be on its way to the gate, ms: its row is committed first, and whoever stored it then
 * opens it there. Until then a missing meta is no fence, afterwards it is one: a creator that died never comes back.
 *
 * Above what a commit on a slow database and a gate call take together. Too short would close the whole gate for a
 * rebuild because of one slow call; too long keeps only the claims of this one campaign waiting.
 */
export const CAMPAIGN_OPENING_MS = 5_000;

/**
 * A campaign from the future is not on its way: the database's clock has stepped back since, as after a failover to a host
 * that is behind, and a meta that is missing would not be found before the clock has caught up.
 *
 * @param now ms, the database's clock, read after the campaign: the one by which `createdAt` was written.
 */
export function mayBeOpening({ createdAt }: Pick<Campaign, 'createdAt'>, now: number): boolean {
  const age = now - createdAt;
  return age >= 0 && age < CAMPAIGN_OPENING_MS;
}
