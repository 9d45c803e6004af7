import { randomFillSync, randomUUID } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import { type Clock } from './clock.js';

const POOL_BYTES = 4_096;

/** The source of all random values. */
export abstract class Entropy {
  /** From 0 to below 1. Not for secrets: it can be guessed. */
  abstract fraction(): number;

  /** Fills the bytes with values that cannot be guessed. */
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
 * Makes ULIDs, each above the one before. The random part comes from a pool: asking the operating system for each id
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
    // ulid turns each fraction into one of 32 letters, so one byte is enough.
    return (pool[used++] ?? 0) / 256;
  };
  const next = monotonicFactory(random);
  return () => next(clock.wall());
}
