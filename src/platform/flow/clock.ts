/** One reading of both clocks, ms. */
export interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

/**
 * The machine's two clocks, ms. Neither is enough alone: a suspended machine stops the monotonic clock, and the wall
 * clock can be set back.
 */
export abstract class Clock {
  abstract monotonic(): number;
  abstract wall(): number;

  now(): Instant {
    return { monotonic: this.monotonic(), wall: this.wall() };
  }

  /** The time since then, ms: the larger of what the two clocks show. */
  elapsedMs(since: Instant): number {
    return Math.max(this.monotonic() - since.monotonic, this.wall() - since.wall);
  }
}

export class SystemClock extends Clock {
  override monotonic(): number {
    return performance.now();
  }

  override wall(): number {
    return Date.now();
  }
}

/** For adapters, and for code that runs before Nest's container exists. Classes that Nest makes inject `Clock`. */
export const systemClock: Clock = new SystemClock();
