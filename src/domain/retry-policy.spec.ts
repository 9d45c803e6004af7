import { describe, expect, it } from '@jest/globals';
import { backoffMs, maxBackoffMs } from './retry-policy.js';

describe('retry policy', () => {
  it('doubles the longest wait with every attempt and stops at five minutes', () => {
    expect([0, 1, 2, 8, 9, 12, 60].map(maxBackoffMs)).toEqual([
      1_000, 2_000, 4_000, 256_000, 300_000, 300_000, 300_000,
    ]);
  });

  it('draws the wait from the whole range, so that what failed together does not come back together', () => {
    expect(backoffMs(3, 0)).toBe(0);
    expect(backoffMs(3, 0.5)).toBe(4_000);
    expect(backoffMs(3, 0.999_999)).toBeLessThan(8_000);
  });
});
