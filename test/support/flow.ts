import { setImmediate as nextTurn } from 'node:timers/promises';
import { Clock } from '../../src/platform/flow/clock.js';
import { type Timer, Timers } from '../../src/platform/flow/timers.js';

/** Two clocks that a test moves. */
export class SetClock extends Clock {
  at = { monotonic: 1_000_000, wall: 1_764_000_000_000 };

  pass(ms: number): void {
    this.at = { monotonic: this.at.monotonic + ms, wall: this.at.wall + ms };
  }

  override monotonic(): number {
    return this.at.monotonic;
  }

  override wall(): number {
    return this.at.wall;
  }
}

interface SetTimer {
  readonly due: number;
  readonly work: () => void;
}

/** Timers that run when a test lets time pass; turns of the event loop are real. */
export class SetTimers extends Timers {
  private readonly waiting = new Set<SetTimer>();

  constructor(readonly clock: SetClock = new SetClock()) {
    super();
  }

  /** How many timers are set. */
  get size(): number {
    return this.waiting.size;
  }

  override after(ms: number, work: () => void): Timer {
    const timer = { due: this.clock.monotonic() + Math.max(0, ms), work };
    this.waiting.add(timer);
    return timer;
  }

  override cancel(timer: Timer | undefined): void {
    this.waiting.delete(timer as SetTimer);
  }

  override atEndOfTurn(work: () => void): void {
    setImmediate(work);
  }

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.after(ms, resolve);
      const wake = () => {
        this.cancel(timer);
        resolve();
      };
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  /** Runs the timers that fall due, each at its own time, and the work that follows from them without waiting. */
  async pass(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms;
    for (;;) {
      await nextTurn();
      const [next] = [...this.waiting].sort((a, b) => a.due - b.due);
      if (next === undefined || next.due > end) break;
      this.waiting.delete(next);
      this.clock.pass(Math.max(0, next.due - this.clock.monotonic()));
      next.work();
    }
    this.clock.pass(Math.max(0, end - this.clock.monotonic()));
    await nextTurn();
  }
}
