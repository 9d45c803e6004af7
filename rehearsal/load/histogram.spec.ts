import { describe, expect, it } from '@jest/globals';
import { randomFrom } from '../random.js';
import { Histogram } from './histogram.js';

const of = (...values: number[]) => {
  const histogram = Histogram.empty();
  for (const value of values) histogram.record(value);
  return histogram;
};
const PARTS = [0.01, 0.5, 0.9, 0.99, 0.999, 1];

describe('a histogram', () => {
  it('is off by a hundredth of the value or 0.01 ms, from 0.1 ms to an hour', () => {
    const random = randomFrom(3);
    const values = Array.from({ length: 20_000 }, () => 0.1 * 10 ** (random() * 7.5)).sort((a, b) => a - b);
    const histogram = of(...values);
    for (const part of PARTS) {
      const exact = values[Math.ceil(values.length * part) - 1]!;
      expect(Math.abs(histogram.percentile(part) - exact)).toBeLessThan(Math.max(0.01, exact / 100));
    }
  });

  it('is the same whether it was filled in one thread or in several', () => {
    const random = randomFrom(4);
    const values = Array.from({ length: 9_000 }, () => random() * 5_000);
    const together = Histogram.empty();
    for (let thread = 0; thread < 3; thread++) {
      const part = of(...values.filter((_, index) => index % 3 === thread));
      together.add(Histogram.fromMessage(structuredClone(part.toMessage())));
    }
    expect(together.toMessage()).toEqual(of(...values).toMessage());
    expect(together.count).toBe(9_000);
  });

  it('knows the slowest value exactly, and no percentile is beyond it', () => {
    const histogram = of(1, 2, 1_234.567);
    expect(histogram.max).toBe(1_234.567);
    expect(histogram.percentile(1)).toBe(1_234.567);
    expect(of(0.001).percentile(0.5)).toBeLessThanOrEqual(0.01);
  });

  it('takes whatever comes: 0, and times beyond its largest', () => {
    expect(of(0).percentile(1)).toBe(0);
    expect(of(1e12).count).toBe(1);
    expect(Histogram.empty().percentile(0.5)).toBeNaN();
  });
});
