import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

const POOL_BYTES = 4_096;

/**
 * Makes claim ids. The random part is drawn from a pool: asking the system for every single id costs a fifth of the
 * throughput of a drop.
 */
export function claimIdFactory(): () => string {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  const random = () => {
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    // ulid scales a fraction to 32 letters, so one byte is enough for each.
    return (pool[used++] ?? 0) / 256;
  };
  const next = monotonicFactory(random);
  return () => next();
}
