import { describe, expect, it } from '@jest/globals';
import { couponCodeFactory } from './coupon-code.js';

describe('coupon code', () => {
  it('has 16 letters that nobody mistakes, and does not repeat itself', () => {
    const next = couponCodeFactory();
    const codes = Array.from({ length: 100_000 }, next);
    expect(codes.every((code) => /^[0-9A-HJKMNP-TV-Z]{16}$/.test(code))).toBe(true);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('draws every letter about equally often', () => {
    const next = couponCodeFactory();
    const counts = new Map<string, number>();
    for (let round = 0; round < 20_000; round++) {
      for (const letter of next()) counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    expect(counts.size).toBe(32);
    // 10,000 of each are expected; six standard deviations are about 590.
    for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(600);
  });
});
