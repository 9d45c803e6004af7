/**
 * What callers of one campaign were told. Every time is of one monotonic clock, that of the callers, unless it says
 * otherwise.
 */

/** A claim as an answer shows it. */
export interface ShownClaim extends SeenClaim {
  readonly claimId: string;
}

/** The same in `already-claimed`: a caller who is not identified is not told its id. */
export interface SeenClaim {
  readonly claimId?: string;
  readonly sequence: number;
  /** ms since the Unix epoch. */
  readonly claimedAt: number;
}

/** A claim that was answered 202. It may never be lost. */
export interface PromisedClaim extends ShownClaim {
  readonly userId: string;
  /** When the call was made, and when its answer was there, ms. */
  readonly asked: number;
  readonly heard: number;
}

/** One call of a user, and its result. */
export interface HeardCall {
  readonly userId: string;
  /** Status and code of the answer, or why there was none. */
  readonly word: string;
  /** When the call was made, ms. */
  readonly at: number;
  /** From the call to its answer or its error. */
  readonly ms: number;
  /** The claim that the answer names: that of a 202, and that of `already-claimed`. */
  readonly claim?: SeenClaim;
  /** True for a `sold-out` that says so: no claim is on its way any more. */
  readonly final?: boolean;
}

/** The status of a claim, asked for right after its 202. */
export interface StatusLook {
  readonly userId: string;
  /** The promised claim. */
  readonly claimId: string;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** The claim that the answer shows; null where it shows none. */
  readonly shown: string | null;
}

/** What an api said of the campaign's stock. */
export interface StockLook {
  readonly url: string;
  /** The epoch that this api knew to be open before and after it. */
  readonly epoch: number;
  /** That of the campaign, which each change of its terms raises. */
  readonly version: number;
  readonly remaining: number;
  /** When the call was made, and when its answer was there, ms. */
  readonly asked: number;
  readonly heard: number;
}

/** The port was closed: no process took the call. */
export const REFUSED = 'connection refused';
/**
 * The connection was reset or closed. A process may have taken the call, or it was still in the kernel when the port
 * closed.
 */
export const NO_ANSWER = 'no answer';

/** A claim of a call with one of these results may have been admitted. */
export const IN_DOUBT: ReadonlySet<string> = new Set(['503 claim-unconfirmed', NO_ANSWER]);
