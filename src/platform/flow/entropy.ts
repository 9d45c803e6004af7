import { randomFillSync, randomUUID } from 'node:crypto';
import { encodeTime, monotonicFactory } from 'ulid';
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

const LETTERS = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ');
const TIME_LENGTH = 10;
const ULID_LENGTH = 26;

/**
 * Makes ULIDs of which none tells anything about another. {@link ulidFactory} counts up within a ms, so a caller could
 * guess the ids next to their own; where a claim's id proves the claim, that would open the codes of others.
 */
export function unguessableUlidFactory(clock: Clock, entropy: Entropy): () => string {
  const pool = new Uint8Array(POOL_BYTES);
  const id = Buffer.alloc(ULID_LENGTH);
  let used = POOL_BYTES;
  let writtenAt = NaN;
  return () => {
    const now = clock.wall();
    if (now !== writtenAt) {
      id.write(encodeTime(now, TIME_LENGTH), 'latin1');
      writtenAt = now;
    }
    if (used + ULID_LENGTH > POOL_BYTES) {
      entropy.fill(pool);
      used = 0;
    }
    // Five bits a letter: 80 random bits in all.
    // mutant: alike-claim-ids
    for (let at = TIME_LENGTH; at < ULID_LENGTH; at++) id[at] = LETTERS[(pool[used++] ?? 0) & 31] ?? 0;
    return id.toString('latin1');
  };
}
