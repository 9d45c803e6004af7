import { type Entropy } from '../../platform/flow/entropy.js';

/** Crockford's alphabet: without I, L, O and U, which are easily misread. */
const ALPHABET = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 'latin1');
/** 16 letters of 5 bits: with 10 million codes, one guess in 2^57 hits one. */
const LENGTH = 16;
const POOL_CODES = 512;

/** Makes unguessable coupon codes. A pool of random bytes, because one system call per code would dominate the insert. */
export function couponCodeFactory(entropy: Entropy): () => string {
  const pool = Buffer.alloc(LENGTH * POOL_CODES);
  let used = pool.length;
  return () => {
    if (used === pool.length) {
      entropy.fill(pool);
      // 256 is a multiple of 32, so the lowest 5 bits of a byte are as even as the byte.
      for (let index = 0; index < pool.length; index++) pool[index] = ALPHABET[(pool[index] as number) & 31] as number;
      used = 0;
    }
    used += LENGTH;
    return pool.toString('latin1', used - LENGTH, used);
  };
}
