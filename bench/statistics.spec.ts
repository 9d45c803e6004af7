import { describe, expect, it } from '@jest/globals';
import { median, medianWithRange, show } from './statistics.js';

describe('the median', () => {
  it('is the value in the middle, whatever their order', () => {
    expect(median([9, 1, 5])).toBe(5);
  });

  it('is the mean of the two in the middle', () => {
    expect(median([1, 100, 3, 2])).toBe(2.5);
  });

  it('of nothing is no number', () => {
    expect(median([])).toBeNaN();
  });
});

it('a figure has as many digits as its size needs, unless they are given', () => {
  expect([0.1234, 12.34, 1_234.5].map(show)).toEqual(['0.12', '12.3', '1,235']);
  expect(medianWithRange([10, 30, 20])).toBe('**20.0** (10.0–30.0, 3 rounds)');
  expect(medianWithRange([100.4, 101.2], 1)).toBe('**100.8** (100.4–101.2, 2 rounds)');
});
