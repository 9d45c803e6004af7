/** Both clocks at once, ms. */
export interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

/** This machine's two clocks, ms. Neither is enough alone: one stops while a machine is suspended, the other is set. */
export class MachineClock {
  monotonic(): number {
    return performance.now();
  }

  wall(): number {
    return Date.now();
  }

  now(): Instant {
    return { monotonic: this.monotonic(), wall: this.wall() };
  }

  /** A suspended machine stops the monotonic clock, a corrected wall clock may run backwards: the larger counts. */
  elapsedMs(since: Instant): number {
    return Math.max(this.monotonic() - since.monotonic, this.wall() - since.wall);
  }
}
