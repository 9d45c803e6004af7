import { PATIENCE_MS } from './patience.js';

/**
 * Waits until `condition` holds and returns its value. Throws after the deadline, with the name of the condition. Tests
 * use this instead of sleeping for a guessed time.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = PATIENCE_MS,
): Promise<Exclude<T, false | null | undefined>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await condition();
    if (found !== false && found !== null && found !== undefined) {
      return found as Exclude<T, false | null | undefined>;
    }
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
