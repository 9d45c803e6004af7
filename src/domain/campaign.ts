/** The campaign of a claim that names none; it is made when the service starts. */
export const DEFAULT_CAMPAIGN_ID = 'default';

/** The largest stock that a campaign can have; the database's column and the gate are sized for it. */
export const MAX_CAMPAIGN_TOTAL = 10_000_000;

/** The stored state. SCHEDULED and ENDED are never stored; they follow from the window. */
export type StoredCampaignState = 'OPEN' | 'PAUSED' | 'CLOSED';

/** What a caller has to pass before an entry token is given. */
export const CHALLENGES = ['none', 'proof-of-work', 'turnstile'] as const;
export type ChallengeKind = (typeof CHALLENGES)[number];

/** The cost of a proof of work: iterations of PBKDF2 in one try. A proof takes 256 tries on average. */
export const CHALLENGE_COST = { min: 100, default: 2_000, max: 100_000 } as const;

/** What a campaign asks of a caller before a claim. The api checks it; the gate does not know it. */
export interface EntryTerms {
  /** Does a claim need an entry token? */
  requireEntry: boolean;
  challenge: ChallengeKind;
  /** See {@link CHALLENGE_COST}; kept also while the challenge is another one. */
  challengeCost: number;
}

/** The terms of a campaign that was made without any. */
export const NO_ENTRY: EntryTerms = { requireEntry: false, challenge: 'none', challengeCost: CHALLENGE_COST.default };

/** One row of `campaigns`. Instants are ms since the Unix epoch, UTC. */
export interface Campaign extends EntryTerms {
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
  /** The start of the window whose opening was last logged; null: none was. It makes several processes log it once. */
  openedAt: number | null;
  /** The gate's instant of the latest claim that has become a coupon; null: none has. */
  lastClaimedAt: number | null;
  /**
   * When the last coupon of the total was taken: the gate's instant of its claim, or the database's instant of the
   * change that lowered the total to what was issued. null while a coupon of the total is not issued.
   */
  soldOutAt: number | null;
  /**
   * When the campaign left the gate, by the database's clock; null: the gate knows it. Only a closed campaign leaves, and
   * for good. The database answers for it from then on, and that the gate has no meta of it is no fence.
   */
  leftGateAt: number | null;
  createdAt: number;
  updatedAt: number;
}

/** What a campaign that is not published yet has: one row of `campaign_drafts`. Only operators know of it. */
export type CampaignDraft = EntryTerms &
  Pick<Campaign, 'id' | 'name' | 'total' | 'startsAt' | 'endsAt' | 'version' | 'createdAt' | 'updatedAt'>;

/** A draft, or the terms of a new campaign, as the campaign that they make. */
export function asPublished(draft: CampaignDraft): Campaign {
  const nothingYet = { issued: 0, openedAt: null, lastClaimedAt: null, soldOutAt: null, leftGateAt: null };
  return { ...draft, ...nothingYet, state: 'OPEN' };
}

/** The state that callers see. SCHEDULED and ENDED follow from the window: `startsAt <= now < endsAt` is OPEN. */
export type CampaignState = 'SCHEDULED' | 'OPEN' | 'PAUSED' | 'CLOSED' | 'ENDED';

/** @param now ms, the gate's clock, because that one decides about claims. */
export function stateAt({ state, startsAt, endsAt }: Campaign, now: number): CampaignState {
  if (state !== 'OPEN') return state;
  if (now < startsAt) return 'SCHEDULED';
  return endsAt !== null && now >= endsAt ? 'ENDED' : 'OPEN';
}

/**
 * How long a stored campaign may be on its way to a gate of an older version, ms. Such a gate cannot tell a campaign that it
 * never had from one that it has lost. Within this time a missing meta is no fence. After it, it is one.
 *
 * It is longer than a commit on a slow database and a gate call take together. Too short, and one slow call closes the
 * whole gate for a rebuild. Too long, and only the claims of this one campaign wait.
 */
export const CAMPAIGN_OPENING_MS = 5_000;

/**
 * False for a campaign from the future. Then the database's clock has stepped back, as after a failover to a host that
 * is behind; with true, a missing meta would count as no fence until the clock has caught up.
 *
 * @param now ms, the database's clock, by which `createdAt` was written; read it after the campaign.
 */
export function mayBeOpening({ createdAt }: Pick<Campaign, 'createdAt'>, now: number): boolean {
  const age = now - createdAt;
  return age >= 0 && age < CAMPAIGN_OPENING_MS;
}
