/** The campaign of a claim that names none; it is made when the service starts. */
export const DEFAULT_CAMPAIGN_ID = 'default';

/** The largest stock that a campaign can have; the database's column and the gate are sized for it. */
export const MAX_CAMPAIGN_TOTAL = 10_000_000;

/** What is stored. SCHEDULED and ENDED are read off the window, never stored. */
export type StoredCampaignState = 'OPEN' | 'PAUSED' | 'CLOSED';

/** One row of `campaigns`. Instants are ms since the Unix epoch, UTC. */
export interface Campaign {
  id: string;
  name: string;
  total: number;
  /** Coupon rows so far; the database itself keeps `issued <= total`. */
  issued: number;
  startsAt: number;
  /** null: the campaign has no end. */
  endsAt: number | null;
  state: StoredCampaignState;
  /** Rises with every change; the ETag, and what the gate compares. */
  version: number;
  /** The beginning of the window that was last seen to begin; null: none was. It keeps that line of the log to one. */
  openedAt: number | null;
  /** The gate's instant of the latest claim that has become a coupon; null: none has. */
  lastClaimedAt: number | null;
  /**
   * Since when every coupon of the total is issued: the gate's instant of the claim that took the last one, or the
   * database's of the change that lowered the total to what was issued. null while one is left, or not issued yet.
   */
  soldOutAt: number | null;
  createdAt: number;
  updatedAt: number;
}

/** What callers see. SCHEDULED and ENDED come from the window: `startsAt <= now < endsAt` is OPEN. */
export type CampaignState = 'SCHEDULED' | 'OPEN' | 'PAUSED' | 'CLOSED' | 'ENDED';

/** @param now ms, on the gate's clock, which is the one that decides about claims. */
export function stateAt({ state, startsAt, endsAt }: Campaign, now: number): CampaignState {
  if (state !== 'OPEN') return state;
  if (now < startsAt) return 'SCHEDULED';
  return endsAt !== null && now >= endsAt ? 'ENDED' : 'OPEN';
}

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
