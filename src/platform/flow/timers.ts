import { setTimeout as delay } from 'node:timers/promises';

/** A timer that was set; only `Timers` knows what it is. */
export type Timer = object;

/** How work is put off. */
export abstract class Timers {
  /** Calls `work` once, `ms` from now. */
  abstract after(ms: number, work: () => void): Timer;

  /** Does nothing where the timer has run or there is none. */
  abstract cancel(timer: Timer | undefined): void;

  /** Calls `work` when the event loop has handled what the sockets have for it now. */
  abstract atEndOfTurn(work: () => void): void;

  /** Resolves after `ms`, or as soon as the signal is aborted. Never rejects: the caller looks at its signal. */
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

/** For adapters and for what runs before there is a container. Whatever Nest makes has `Timers` injected. */
export const systemTimers: Timers = new SystemTimers();
