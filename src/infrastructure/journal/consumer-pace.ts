/**
 * Batches that are not full begin no sooner than this after one another, ms. Every batch costs a sync of the disk that
 * claims are waiting for as well: under load, fewer and fuller batches leave the disk to them.
 */
export const SPACING_MS = 25;
/** So many times as long as it has worked, the consumer gives way while claims come. */
const GIVE_WAY = 8;
/** Having been behind for so long, ms, it gives way no more: a drop is over by then, and rows have to be seen. */
const BEHIND_MS = 5_000;

/**
 * When the consumer of the embedded profile may work. It shares one thread and one file with the claims: what it does in
 * the middle of a drop, everybody who presses the button waits for, and nobody waits for a row. All times in ms of one
 * monotonic clock.
 */
export class ConsumerPace {
  private resumeAt = 0;
  /** Since when there has been more than one batch could take. */
  private behindSince: number | null = null;

  /** A batch has been worked on; a full one has left others behind, or so it is taken. */
  worked(from: number, until: number, full: boolean): void {
    this.behindSince = full ? (this.behindSince ?? from) : null;
    const tooLate = this.behindSince !== null && until - this.behindSince >= BEHIND_MS;
    const rest = Math.max(full ? 0 : SPACING_MS, GIVE_WAY * (until - from));
    this.resumeAt = tooLate ? until : until + rest;
  }

  /** How long to wait at most; whoever sees no claims come may stop waiting earlier. */
  restMs(now: number): number {
    return Math.max(0, this.resumeAt - now);
  }
}
