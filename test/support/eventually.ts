import { PATIENCE_MS } from './patience.js';

const INTERVAL_MS = 10;

/**
 * Waits until `probe` neither throws nor returns a rejected promise, and returns what it returned.
 * @throws the probe's last error once the deadline has passed.
 */
export async function eventually<T>(probe: () => T | Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}
