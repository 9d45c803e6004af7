import { describe, expect, it } from '@jest/globals';
import { isStaleClaim } from './stale-claims.js';

const cut = { epoch: 9, offsets: new Map([[0, 5]]) };

describe('a claim without a coupon', () => {
  it('counts for as long as no higher epoch has a cut', () => {
    expect(isStaleClaim(null, 0, 1_000_000)).toBe(false);
  });

  it('counts before the cut and is stale from the cut on', () => {
    expect(isStaleClaim(cut, 0, 4)).toBe(false);
    expect(isStaleClaim(cut, 0, 5)).toBe(true);
    expect(isStaleClaim(cut, 0, 6)).toBe(true);
  });

  it('is stale on a partition that did not exist when the cut was taken', () => {
    expect(isStaleClaim(cut, 1, 0)).toBe(true);
  });
});
