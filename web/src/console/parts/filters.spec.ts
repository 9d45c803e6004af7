import { describe, expect, it } from '@jest/globals';
import { addressOf, filtersIn, instantOf, localOf } from './filters.ts';

describe('filters in the address of a page', () => {
  it('are those that the list knows and that say something', () => {
    const query = { userId: ' user-1 ', from: '', other: 'x' };
    expect(filtersIn(['userId', 'from', 'to'], query)).toEqual({ userId: 'user-1' });
  });

  it('come back from an address, whatever they hold', () => {
    const filters = { userId: 'auth0|a+b=c&d', from: '2026-12-01T03:00:00.184Z', to: undefined };
    const address = addressOf('/console/x', filters);
    expect(address).toBe('/console/x?userId=auth0%7Ca%2Bb%3Dc%26d&from=2026-12-01T03%3A00%3A00.184Z');
    const query = Object.fromEntries(new URL(address, 'http://localhost').searchParams);
    expect(filtersIn(['userId', 'from', 'to'], query)).toEqual({ userId: filters.userId, from: filters.from });
    expect(addressOf('/console/x', { userId: '' })).toBe('/console/x');
  });
});

describe('an instant in a form', () => {
  it('is a local time, and comes back to the millisecond', () => {
    const local = localOf('2026-12-01T03:00:00.184Z');
    expect(local).toMatch(/^2026-(11-30|12-01)T\d\d:\d\d:00\.184$/);
    expect(instantOf(local)).toBe('2026-12-01T03:00:00.184Z');
  });

  it.each([undefined, '', 'yesterday'])('is empty for %j', (none) => {
    expect(localOf(none)).toBe('');
    expect(instantOf(none ?? '')).toBe('');
  });
});
