import { type Timers } from './timers.js';

/** The work did not end in time. It may still go on and succeed. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/**
 * Waits at most `ms` for `work`. It does not stop the work.
 * @throws DeadlineError, or what `work` rejects with.
 */
export function withDeadline<T>(work: Promise<T>, ms: number, timers: Timers): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = timers.after(ms, () => reject(new DeadlineError(`no answer within ${Math.round(ms)} ms`)));
    work.then(
      (value) => {
        timers.cancel(timer);
        resolve(value);
      },
      (error: unknown) => {
        timers.cancel(timer);
        reject(error as Error);
      },
    );
  });
}
