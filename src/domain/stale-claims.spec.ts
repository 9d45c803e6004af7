import { describe, expect, it } from '@jest/globals';
import { isStaleClaim } from './stale-claims.js';

const cut = { epoch: 9, offsets: new Map([[0, 5]]) };

describe('a claim without a coupon', () => {
  it('counts for as long as no higher epoch has a cut', () => {
    expect(isStaleClaim(null, { partition: 0, offset: 1_000_000 })).toBe(false);
  });

  it('counts before the cut and is stale from the cut on', () => {
    expect(isStaleClaim(cut, { partition: 0, offset: 4 })).toBe(false);
    expect(isStaleClaim(cut, { partition: 0, offset: 5 })).toBe(true);
    expect(isStaleClaim(cut, { partition: 0, offset: 6 })).toBe(true);
  });

  it('is stale on a partition that did not exist when the cut was taken', () => {
    expect(isStaleClaim(cut, { partition: 1, offset: 0 })).toBe(true);
  });

  it('is stale at every offset of another log than that of the cut', () => {
    const named = { ...cut, logId: 'first' };
    const at = { partition: 0, offset: 4 };
    expect(isStaleClaim(named, at, 'first')).toBe(false);
    expect(isStaleClaim(named, at, 'second')).toBe(true);
    // Cuts of the version before, and logs without an id.
    expect(isStaleClaim(cut, at, 'second')).toBe(false);
    expect(isStaleClaim(named, at, null)).toBe(false);
    expect(isStaleClaim(null, at, 'second')).toBe(false);
  });
});
