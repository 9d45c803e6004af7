import { describe, expect, it } from '@jest/globals';
import { SystemEntropy } from '../flow/entropy.js';
import { KeyedGcra } from './keyed-gcra.js';

const RATE = { count: 10, windowMs: 10_000 };
/** One set of 8 places. */
const ONE_SET = 1;

const limitOf = (rate = RATE, sets?: number) => new KeyedGcra(rate, new SystemEntropy(), sets);

/** How many of so many calls at one instant pass. */
const passing = (limit: KeyedGcra, key: string, calls: number, now: number): number =>
  Array.from({ length: calls }, () => limit.waitFor(key, now)).filter((wait) => wait === 0).length;

describe('a limit by key', () => {
  it('lets a rested key make all its calls at once, then one an interval', () => {
    const limit = limitOf();
    expect(passing(limit, 'ada', 20, 5_000)).toBe(10);
    expect(passing(limit, 'ada', 5, 5_999)).toBe(0);
    expect(passing(limit, 'ada', 5, 6_000)).toBe(1);
    expect(passing(limit, 'ada', 20, 9_000)).toBe(3);
    expect(passing(limit, 'ada', 20, 60_000)).toBe(10);
  });

  it('says after how long the next call passes, and is right', () => {
    const limit = limitOf({ count: 7, windowMs: 3_000 });
    let now = 1_000;
    for (let call = 0; call < 200; call++) {
      const wait = limit.waitFor('ada', now);
      if (wait === 0) continue;
      expect(wait).toBeLessThan(3_000 / 7 + 0.01);
      expect(limit.waitFor('ada', now + wait - 1)).toBeGreaterThan(0);
      // Callers wait whole seconds.
      now = Math.ceil(now + wait);
      expect(limit.waitFor('ada', now)).toBe(0);
    }
    expect(now).toBeGreaterThan(30_000);
  });

  it('takes nothing for a refused call', () => {
    const limit = limitOf();
    expect(passing(limit, 'ada', 10_000, 0)).toBe(10);
    expect(passing(limit, 'ada', 1, 1_000)).toBe(1);
  });

  it.each([
    { count: 1, windowMs: 1_000 },
    { count: 3, windowMs: 1_000 },
    { count: 1_000_000, windowMs: 86_400_000 },
    { count: 999_983, windowMs: 60_000 },
  ])('keeps to $count in $windowMs ms whatever the numbers', (rate) => {
    const limit = limitOf(rate);
    const tries = Math.min(rate.count, 100_000);
    expect(passing(limit, 'ada', tries, 123_456.789)).toBe(tries);
    if (tries === rate.count) expect(passing(limit, 'ada', 1, 123_456.789)).toBe(0);
  });

  it('counts each of many keys by itself', () => {
    const limit = limitOf({ count: 2, windowMs: 10_000 });
    const keys = Array.from({ length: 200_000 }, (_, at) => `user-${at}`);
    let refused = 0;
    for (let call = 0; call < 2; call++) for (const key of keys) refused += limit.waitFor(key, 1_000) === 0 ? 0 : 1;
    expect(refused).toBe(0);
    for (const key of keys.slice(0, 1_000)) expect(limit.waitFor(key, 1_000)).toBeGreaterThan(0);
  });

  it('tells apart keys that differ in one character, in their order or in characters beyond ASCII', () => {
    const limit = limitOf({ count: 1, windowMs: 10_000 });
    const keys = [
      '',
      'a',
      'b',
      'ab',
      'ba',
      'aa',
      'aaa',
      'é',
      '가',
      '각',
      '203.0.113.7',
      '2001:db8:0:1',
      'a'.repeat(255),
    ];
    for (const key of keys) expect([key, limit.waitFor(key, 1)]).toEqual([key, 0]);
    for (const key of keys) expect([key, limit.waitFor(key, 1) > 0]).toEqual([key, true]);
  });

  it('forgets those who owe least, never one who floods', () => {
    const limit = limitOf(RATE, ONE_SET);
    expect(passing(limit, 'flood', 100, 0)).toBe(10);
    for (let at = 0; at < 10_000; at++) limit.waitFor(`other-${at}`, 1);
    expect(passing(limit, 'flood', 100, 1)).toBe(0);
  });

  it('takes 25 MB for any number of keys', () => {
    const before = process.memoryUsage().arrayBuffers;
    const limit = limitOf();
    for (let at = 0; at < 200_000; at++) limit.waitFor(`user-${at}`, at / 10);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThanOrEqual(26_000_000);
  });
});
