import { describe, expect, it } from '@jest/globals';
import { Gcra } from './gcra.js';

describe('a limit of all calls', () => {
  it('lets so many a second pass, and a tenth of a second of them at once', () => {
    const total = new Gcra(1_000, 100);
    const passedAt = (now: number, calls: number): number =>
      Array.from({ length: calls }, () => total.admits(now)).filter(Boolean).length;
    expect(passedAt(5_000, 5_000)).toBe(101);
    let passed = 0;
    for (let now = 5_001; now <= 6_000; now++) passed += passedAt(now, 20);
    expect(passed).toBe(1_000);
    expect(passedAt(60_000, 5_000)).toBe(101);
  });

  it('lets the only call of a second pass', () => {
    const total = new Gcra(1, 100);
    expect([0, 0, 500, 899, 901, 2_000].map((now) => total.admits(now))).toEqual([
      true,
      false,
      false,
      false,
      true,
      true,
    ]);
  });
});
