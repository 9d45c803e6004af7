import { randomFillSync } from 'node:crypto';

/** Crockford's alphabet: nothing that is mistaken for something else when it is read out. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 16 letters of 5 bits: nobody guesses one of 10 million in 2^80. */
const LENGTH = 16;
const POOL_CODES = 512;

/** Makes coupon codes, unguessable and drawn from a pool: asking the system for each one would dominate the insert. */
export function couponCodeFactory(): () => string {
  const pool = new Uint8Array(LENGTH * POOL_CODES);
  let used = pool.length;
  return () => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    let code = '';
    for (const end = used + LENGTH; used < end; used++) code += ALPHABET[(pool[used] ?? 0) & 31];
    return code;
  };
}
