/** After this many failures at the consumer a claim waits for an operator. */
export const MAX_ATTEMPTS = 12;

/**
 * How long a row stays leased to one retry instance, ms. If that instance dies, its rows wait for this time, and then
 * for the next drain.
 */
export const PUBLISH_LEASE_MS = 45_000;

/**
 * A row that was published again and has no coupon after this time is due again, ms; not before the consumer has come as
 * far as the log was after the publish.
 */
export const CONFIRMATION_MS = 120_000;

const MAX_BACKOFF_MS = 300_000;

/** The longest wait before attempt `attempts + 1`, ms: 2^attempts seconds, at most 5 minutes. */
export function maxBackoffMs(attempts: number): number {
  return Math.min(MAX_BACKOFF_MS, 2 ** attempts * 1_000);
}

/**
 * Full jitter: a random wait between 0 and the longest, so that rows that failed together are not due together.
 *
 * @see https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
 */
export function backoffMs(attempts: number, random: number): number {
  return Math.floor(random * maxBackoffMs(attempts));
}

/**
 * How long a row waits after the log refused it, ms: 1 to 10 s at random. The wait does not grow with the failures:
 * until the log's own probe finds the broker back, only one batch in ten seconds is tried.
 */
export function postponementMs(random: number): number {
  return 1_000 + Math.floor(random * 9_000);
}
