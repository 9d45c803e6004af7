/**
 * The consumer starts batches that are not full at least this far apart, ms. Each batch costs a sync of the disk, and
 * claims wait for that disk, too: fewer and fuller batches leave it to them.
 */
export const SPACING_MS = 25;
/** After a batch that took t ms, the consumer rests GIVE_WAY × t ms while claims arrive. */
const GIVE_WAY = 8;
/**
 * After it was behind for this long, ms, the consumer rests no more: a drop is over by then, and callers want to see
 * their coupons.
 */
const BEHIND_MS = 5_000;

/**
 * Says when the consumer of the embedded profile may work. It shares one thread and one file with the claims. During a
 * drop every caller waits while the consumer works, and no caller waits for its rows. All times are ms of one monotonic
 * clock.
 */
export class ConsumerPace {
  private resumeAt = 0;
  /** Since when more records wait than one batch takes. */
  private behindSince: number | null = null;

  /** The consumer has worked on a batch. A full batch counts as a sign that more records wait. */
  worked(from: number, until: number, full: boolean): void {
    this.behindSince = full ? (this.behindSince ?? from) : null;
    const tooLate = this.behindSince !== null && until - this.behindSince >= BEHIND_MS;
    const rest = Math.max(full ? 0 : SPACING_MS, GIVE_WAY * (until - from));
    this.resumeAt = tooLate ? until : until + rest;
  }

  /** How long the consumer waits at most. It may stop waiting earlier when no claims arrive. */
  restMs(now: number): number {
    return Math.max(0, this.resumeAt - now);
  }
}
