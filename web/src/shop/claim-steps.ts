/** A claim as the page knows it. */
export interface OwnClaim {
  /** Proves with `IDENTITY=open` whose claim it is. Absent where the service did not tell it. */
  readonly claimId?: string | undefined;
  readonly sequence: number;
  readonly claimedAt: string;
}

/** What came of one request. `null` status: no answer. */
export interface Answer {
  readonly status: number | null;
  /** The problem's code; of a success, undefined. */
  readonly code?: string | undefined;
  /** `Retry-After`, s. */
  readonly retryAfter?: number | undefined;
  readonly claim?: OwnClaim | undefined;
  /** Of `sold-out`: nothing comes back by itself. */
  readonly final?: boolean | undefined;
}

/** Why the page asks again. */
export type Reason =
  'network' | 'offline' | 'paused' | 'busy' | 'unavailable' | 'unconfirmed' | 'rate' | 'reserved' | 'starting';

/** What the page does after an answer. */
export type Step =
  | { readonly kind: 'accepted'; readonly claim: OwnClaim }
  | { readonly kind: 'again'; readonly reason: Reason; readonly delayMs: number }
  /** The claim needs a token of the entry first. */
  | { readonly kind: 'enter' }
  | { readonly kind: 'refused'; readonly code: string; readonly claim?: OwnClaim | undefined };

/** The first wait without a Retry-After, ms; each next one is twice as long. */
const FIRST_MS = 500;
const LONGEST_MS = 10_000;
/** A crowd is spread over at least this time, ms. */
const SPREAD_MS = 1_000;
/** Clocks of two servers may be apart. A page that opened by one of them asks the other once more after this, ms. */
const STARTING_MS = 150;
const STARTING_TRIES = 10;
/** So many doublings of the wait come before the first try in a pause. */
const PAUSED_LATER = 3;

/**
 * How long to wait before the next try, ms. A Retry-After is kept, and never shortened: what is random comes on top, so
 * that a crowd that was sent away together does not come back together.
 *
 * @param attempt tries so far, from 1.
 */
export function retryDelayMs(attempt: number, retryAfter: number | undefined, random: number): number {
  if (retryAfter !== undefined) return retryAfter * 1_000 + random * Math.max(SPREAD_MS, retryAfter * 250);
  const most = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
  return most / 2 + (random * most) / 2;
}

/**
 * What follows from an answer to a claim. Every try has the same Idempotency-Key, so asking again is always safe.
 *
 * @param random from 0 to 1.
 */
export function stepAfter(answer: Answer, attempt: number, random: number): Step {
  const { status, code, retryAfter, claim } = answer;
  const again = (reason: Reason): Step => ({
    kind: 'again',
    reason,
    delayMs: retryDelayMs(attempt, retryAfter, random),
  });
  if (status === 202 && claim !== undefined) return { kind: 'accepted', claim };
  if (status === null) return again('network');
  if (code === 'entry-required') return { kind: 'enter' };
  if (code === 'sold-out' && answer.final === false) return again('reserved');
  if (code === 'campaign-not-started' && attempt <= STARTING_TRIES) {
    return { kind: 'again', reason: 'starting', delayMs: STARTING_MS * (1 + random) };
  }
  // An operator pauses a drop for minutes, so nobody gains from asking often.
  if (code === 'campaign-paused') {
    return { kind: 'again', reason: 'paused', delayMs: retryDelayMs(attempt + PAUSED_LATER, retryAfter, random) };
  }
  if (code === 'claim-unconfirmed') return again('unconfirmed');
  if (status === 429) return again('rate');
  if (code === 'busy' || code === 'too-many-connections' || status === 408) return again('busy');
  // Also what a proxy in front says while the service is away.
  if (status >= 500 && code !== 'internal-error') return again('unavailable');
  if (code === 'internal-error' && attempt < 3) return again('unavailable');
  return { kind: 'refused', code: code ?? `http-${status}`, ...(claim === undefined ? {} : { claim }) };
}
