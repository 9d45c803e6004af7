import { describe, expect, it } from '@jest/globals';
import { decodeTime } from 'ulid';
import { SetClock } from '../../../test/support/flow.js';
import { SystemEntropy, ulidFactory, unguessableUlidFactory } from './entropy.js';

describe('ULIDs', () => {
  it('carry the time of the clock, differ, and rise', () => {
    const clock = new SetClock();
    const next = ulidFactory(clock, new SystemEntropy());
    const ids: string[] = [];
    for (let count = 0; count < 1_000; count++) {
      if (count % 10 === 0) clock.pass(1);
      ids.push(next());
    }
    expect(new Set(ids).size).toBe(1_000);
    expect([...ids].sort()).toEqual(ids);
    expect(decodeTime(ids.at(-1) as string)).toBe(clock.wall());
  });

  it('are the same when the clock and the random bytes are the same', () => {
    class SameEntropy extends SystemEntropy {
      override fill(bytes: Uint8Array): void {
        bytes.fill(7);
      }
    }
    const make = () => ulidFactory(new SetClock(), new SameEntropy())();
    expect(make()).toBe(make());
  });

  it('of claims carry the time too, and their neighbours of the same ms have nothing in common', () => {
    const clock = new SetClock();
    const next = unguessableUlidFactory(clock, new SystemEntropy());
    const ids = Array.from({ length: 1_000 }, next);
    for (const id of ids) expect(decodeTime(id)).toBe(clock.wall());
    // Four letters are 20 bits: among 1,000 random ones about one pair is alike.
    expect(new Set(ids.map((id) => id.slice(10, 14))).size).toBeGreaterThan(990);
    expect(new Set(ids.map((id) => id.slice(-4))).size).toBeGreaterThan(990);
    clock.pass(-5_000);
    expect(decodeTime(next())).toBe(clock.wall());
  });
});
