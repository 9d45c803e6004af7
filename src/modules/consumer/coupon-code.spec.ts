import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { systemClock } from '../../platform/flow/clock.js';
import { SystemEntropy, ulidFactory } from '../../platform/flow/entropy.js';
import { KeyedHash } from '../../platform/values/keyed-hash.js';
import { couponCodeOf } from './coupon-code.js';

const secretOf = (bytes: Buffer) => new KeyedHash(createSecretKey(bytes));
const SECRET = secretOf(Buffer.alloc(32, 7));
const nextClaimId = ulidFactory(systemClock, new SystemEntropy());
const claimIds = (count: number) => Array.from({ length: count }, nextClaimId);
/** At how many of the 16 places two codes have the same letter. */
const alike = (a: string, b: string) => [...a].filter((letter, place) => letter === b[place]).length;

describe('coupon code', () => {
  it('is always the same for a claim and a secret, also in later versions', () => {
    expect(couponCodeOf(SECRET, '01ARZ3NDEKTSV4RRFFQ69G5FAV')).toBe('1BP300KWYHE600AH');
  });

  it('has 16 letters of an alphabet without look-alikes, and each claim has another one', () => {
    const codes = new Set(claimIds(20_000).map((claimId) => couponCodeOf(SECRET, claimId)));
    expect(codes.size).toBe(20_000);
    for (const code of codes) expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{16}$/);
  });

  it('uses every letter at every place about equally often', () => {
    const seen = Array.from({ length: 16 }, () => new Map<string, number>());
    for (const claimId of claimIds(32_000)) {
      for (const [place, letter] of [...couponCodeOf(SECRET, claimId)].entries()) {
        const counts = seen[place] as Map<string, number>;
        counts.set(letter, (counts.get(letter) ?? 0) + 1);
      }
    }
    // 1,000 of each are expected; 8 standard deviations are some 250.
    for (const counts of seen) {
      expect(counts.size).toBe(32);
      for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(250);
    }
  });

  it.each<[string, (claimId: string) => [string, string]]>([
    [
      'of one claim under another secret',
      (claimId) => [couponCodeOf(SECRET, claimId), couponCodeOf(secretOf(randomBytes(32)), claimId)],
    ],
    ['of the next claim', (claimId) => [couponCodeOf(SECRET, claimId), couponCodeOf(SECRET, nextClaimId())]],
    [
      'of a claim whose id differs in one letter',
      (claimId) => [
        couponCodeOf(SECRET, claimId),
        couponCodeOf(SECRET, claimId.replace(/.$/, claimId.endsWith('0') ? '1' : '0')),
      ],
    ],
  ])('says nothing about that %s', (_what, pairOf) => {
    const places = claimIds(4_000).map((claimId) => alike(...pairOf(claimId)));
    const mean = places.reduce((sum, count) => sum + count, 0) / places.length;
    // Two random codes have the same letter at half a place on average; 8 standard deviations of this mean are 0.09.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.1);
  });
});
