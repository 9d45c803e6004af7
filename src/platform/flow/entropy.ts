import { randomFillSync, randomUUID } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import { type Clock } from './clock.js';

const POOL_BYTES = 4_096;

/** Where everything random comes from. */
export abstract class Entropy {
  /** From 0 to below 1; may be guessed. */
  abstract fraction(): number;

  /** Fills the bytes with what cannot be guessed. */
  abstract fill(bytes: Uint8Array): void;

  abstract uuid(): string;
}

export class SystemEntropy extends Entropy {
  override fraction(): number {
    return Math.random();
  }

  override fill(bytes: Uint8Array): void {
    randomFillSync(bytes);
  }

  override uuid(): string {
    return randomUUID();
  }
}

/**
 * Makes ULIDs, each above the one before. The random part is drawn from a pool: asking the system for every single id
 * costs a fifth of the throughput of a drop.
 */
export function ulidFactory(clock: Clock, entropy: Entropy): () => string {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  const random = () => {
    if (used === POOL_BYTES) {
      entropy.fill(pool);
      used = 0;
    }
    // ulid scales a fraction to 32 letters, so one byte is enough for each.
    return (pool[used++] ?? 0) / 256;
  };
  const next = monotonicFactory(random);
  return () => next(clock.wall());
}
