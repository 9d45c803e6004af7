/** After a turn of the event loop that took longer than this, ms, fewer pipelined requests begin. */
const LONG_TURN_MS = 4;

/** A connection whose requests wait for a turn. */
export interface Waiting {
  /** Begins up to this many further requests. */
  proceed(requests: number): void;
}

/**
 * Shares each turn of the event loop among the connections that pipeline. The first request of a connection begins
 * immediately. Of the requests behind it, at most {@link most} begin in one turn, of all connections together, and
 * fewer after a turn that took long. Further requests wait for a later turn, and their connections take turns. Without
 * this, fifty connections with sixteen requests each would put 800 requests before the next caller's claim.
 */
export class Turns {
  /** Pipelined requests that may begin in a turn; adapted to how long the last turns took. */
  private share: number;
  private left: number;
  private readonly waiting: Waiting[] = [];
  private scheduled = false;
  private scheduledAt = 0;

  /**
   * @param most how many requests of one connection may be under way, and how many pipelined requests begin in one
   * turn.
   */
  constructor(readonly most: number) {
    this.share = this.left = most;
  }

  /** Pipelined requests that may still begin in this turn. */
  get remaining(): number {
    return this.left;
  }

  take(requests: number): void {
    if (requests <= 0) return;
    this.left = Math.max(0, this.left - requests);
    this.schedule();
  }

  /** Calls `pipeline.proceed` in a later turn. */
  join(pipeline: Waiting): void {
    this.waiting.push(pipeline);
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.scheduledAt = performance.now();
    setImmediate(() => this.begin());
  }

  private begin(): void {
    this.scheduled = false;
    const isLong = performance.now() - this.scheduledAt > LONG_TURN_MS;
    this.share = isLong ? Math.max(1, this.share >> 1) : Math.min(this.most, this.share * 2);
    this.left = this.share;
    if (this.waiting.length === 0) return;
    const each = Math.max(1, Math.floor(this.share / this.waiting.length));
    const now = this.waiting.splice(0, this.share);
    this.take(each * now.length);
    for (const pipeline of now) pipeline.proceed(each);
  }
}
