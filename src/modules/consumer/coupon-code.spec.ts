import { describe, expect, it } from '@jest/globals';
import { SystemEntropy } from '../../platform/flow/entropy.js';
import { couponCodeFactory } from './coupon-code.js';

describe('coupon code', () => {
  it('has 16 letters of an alphabet without look-alikes, and never comes twice', () => {
    const nextCode = couponCodeFactory(new SystemEntropy());
    const codes = new Set(Array.from({ length: 20_000 }, nextCode));
    expect(codes.size).toBe(20_000);
    for (const code of codes) expect(code).toMatch(/^[0-9A-HJKMNP-TV-Z]{16}$/);
  });

  it('uses every letter at every place about equally often', () => {
    const nextCode = couponCodeFactory(new SystemEntropy());
    const seen = Array.from({ length: 16 }, () => new Map<string, number>());
    for (let drawn = 0; drawn < 32_000; drawn++) {
      for (const [place, letter] of [...nextCode()].entries()) {
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
});
