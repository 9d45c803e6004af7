/** After so many failures at the consumer a claim waits for an operator. */
export const MAX_ATTEMPTS = 12;

/**
 * How long a row stays leased to one retry instance, ms. What it had leased when it died waits for so long, and for the
 * next drain.
 */
export const PUBLISH_LEASE_MS = 45_000;

/** A row that was published again and is still not a coupon after this long is due again, ms. */
export const CONFIRMATION_MS = 120_000;

const MAX_BACKOFF_MS = 300_000;

/** The longest wait before attempt `attempts + 1`, ms: 2^attempts seconds, at most 5 minutes. */
export function maxBackoffMs(attempts: number): number {
  return Math.min(MAX_BACKOFF_MS, 2 ** attempts * 1_000);
}

/**
 * Full jitter: a random wait between 0 and the longest, so that what failed together does not come back together.
 *
 * @see https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
 */
export function backoffMs(attempts: number, random: number): number {
  return Math.floor(random * maxBackoffMs(attempts));
}

/**
 * How long a row waits that the log did not take, ms: 1 to 10 s at random. It does not grow: the log's own probe finds
 * the broker back, and until then one batch in ten seconds is all that is tried.
 */
export function postponementMs(random: number): number {
  return 1_000 + Math.floor(random * 9_000);
}
