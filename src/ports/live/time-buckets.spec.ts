import { describe, expect, it } from '@jest/globals';
import { quantileMs, TIME_BOUNDS_MS, TimeBuckets } from './time-buckets.js';

const bucketsOf = (...times: readonly number[]): number[] => {
  const buckets = new TimeBuckets();
  for (const ms of times) buckets.observe(ms);
  return buckets.read();
};

describe('durations in buckets', () => {
  it('lie in the first bucket whose bound they do not exceed', () => {
    for (const [index, bound] of TIME_BOUNDS_MS.entries()) {
      expect([bound, bucketsOf(bound).indexOf(1)]).toEqual([bound, index]);
      expect([bound, bucketsOf(bound + 0.01).indexOf(1)]).toEqual([bound, index + 1]);
    }
    expect(bucketsOf(0, 1e9).filter((count) => count > 0)).toEqual([1, 1]);
  });

  it('give quantiles that are off by less than the width of a bucket', () => {
    const times = Array.from({ length: 1_000 }, (_, index) => 1 + index / 2);
    const sorted = [...times].sort((a, b) => a - b);
    for (const part of [0.01, 0.5, 0.9, 0.99, 1]) {
      const exact = sorted[Math.ceil(part * sorted.length) - 1] as number;
      const found = quantileMs(bucketsOf(...times), part) as number;
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.34);
    }
  });

  it('have no quantile when there are none, and the last bound at most', () => {
    expect(quantileMs([], 0.99)).toBeNull();
    expect(quantileMs(bucketsOf(), 0.5)).toBeNull();
    expect(quantileMs(bucketsOf(1e9), 0.5)).toBe(300_000);
  });

  it('are added up before a quantile is taken', () => {
    const [fast, slow] = [
      bucketsOf(...new Array<number>(990).fill(1)),
      bucketsOf(...new Array<number>(10).fill(1_000)),
    ];
    const sum = fast.map((count, index) => count + (slow[index] ?? 0));
    // Their average would be half a second.
    expect(quantileMs(sum, 0.98)).toBeLessThanOrEqual(1);
    expect(quantileMs(sum, 0.999)).toBeGreaterThan(800);
  });
});
