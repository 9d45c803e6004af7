import { type KeyedHash } from '../../platform/values/keyed-hash.js';

/** Crockford's alphabet: without I, L, O and U, which are easily misread. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 16 letters of 5 bits: with 10 million codes, one guess in 2^57 hits one. */
const LENGTH = 16;

/**
 * The code of the coupon that a claim becomes. It depends on nothing else: a coupon that is issued again after a
 * database was restored has the code that its owner was shown (docs/adr/0034). Without the secret it says nothing, and
 * is as good as random.
 *
 * @param secret a hash under the secret of this installation, which serves this purpose only.
 */
export function couponCodeOf(secret: KeyedHash, claimId: string): string {
  const digest = secret.of(claimId, 'binary');
  let code = '';
  // 256 is a multiple of 32, so the lowest 5 bits of a byte are as even as the byte.
  for (let index = 0; index < LENGTH; index++) code += ALPHABET[digest.charCodeAt(index) & 31] as string;
  return code;
}
