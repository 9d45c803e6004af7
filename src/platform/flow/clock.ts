/** Both clocks at once, ms. */
export interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

/** A machine's two clocks, ms. Neither is enough alone: one stops while a machine is suspended, the other is set. */
export abstract class Clock {
  abstract monotonic(): number;
  abstract wall(): number;

  now(): Instant {
    return { monotonic: this.monotonic(), wall: this.wall() };
  }

  /** A suspended machine stops the monotonic clock, a corrected wall clock may run backwards: the larger counts. */
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

/** For adapters and for what runs before there is a container. Whatever Nest makes has `Clock` injected. */
export const systemClock: Clock = new SystemClock();
