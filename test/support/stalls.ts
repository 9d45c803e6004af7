/** How often the meter looks, ms. */
const EVERY_MS = 20;
/** A timer is late by less than this on an idle machine, ms. */
const USUAL_MS = 5;

interface Stall {
  /** When the timer came (monotonic). */
  readonly at: number;
  readonly lateMs: number;
}

/**
 * Measures for how long this process got no processor, by timers that come late. A promise about time is judged without
 * that: on a machine that is shared or slow, the servers and the processes of the service wait for the processor as well.
 * A service that is slow by itself waits or works, and delays no timer of the test.
 */
export class Stalls {
  private readonly seen: Stall[] = [];
  private readonly timer: NodeJS.Timeout;
  private due = performance.now() + EVERY_MS;

  constructor() {
    this.timer = setInterval(() => this.look(performance.now()), EVERY_MS);
    // The meter keeps no process alive.
    this.timer.unref();
  }

  /** @param from, to monotonic, ms. @returns ms */
  between(from: number, to: number): number {
    let sum = 0;
    for (let index = this.seen.length - 1; index >= 0; index--) {
      const { at, lateMs } = this.seen[index] as Stall;
      if (at < from) break;
      // Only the part of a stall that lies within.
      sum += Math.max(0, Math.min(at, to) - Math.max(at - lateMs, from));
    }
    return sum;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(now: number): void {
    const lateMs = now - this.due;
    if (lateMs > USUAL_MS) this.seen.push({ at: now, lateMs });
    this.due = now + EVERY_MS;
  }
}

let shared: Stalls | undefined;

/** The meter of this process, which begins with the first call. */
export function stalls(): Stalls {
  return (shared ??= new Stalls());
}
