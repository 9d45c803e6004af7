import { setTimeout as delay } from 'node:timers/promises';

/** A timer that was set. Only `Timers` knows its real type. */
export type Timer = object;

/** Timers as modules, ports and domain get them: a simulation provides its own. */
export abstract class Timers {
  /** Calls `work` once, `ms` from now. */
  abstract after(ms: number, work: () => void): Timer;

  /** Does nothing if the timer has run or is undefined. */
  abstract cancel(timer: Timer | undefined): void;

  /** Calls `work` when the event loop has handled what its sockets hold now. */
  abstract atEndOfTurn(work: () => void): void;

  /** Resolves after `ms`, or as soon as the signal is aborted. Never rejects: the caller checks its signal. */
  abstract sleep(ms: number, signal?: AbortSignal): Promise<void>;

  nextTurn(): Promise<void> {
    return new Promise((resolve) => this.atEndOfTurn(resolve));
  }
}

export class SystemTimers extends Timers {
  override after(ms: number, work: () => void): Timer {
    return setTimeout(work, ms);
  }

  override cancel(timer: Timer | undefined): void {
    clearTimeout(timer as NodeJS.Timeout | undefined);
  }

  override atEndOfTurn(work: () => void): void {
    setImmediate(work);
  }

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return delay(ms, undefined, signal && { signal }).catch(() => undefined);
  }
}

/** For adapters, and for code that runs before Nest's container exists. Classes that Nest makes inject `Timers`. */
export const systemTimers: Timers = new SystemTimers();
