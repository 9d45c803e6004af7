import { beforeEach, describe, expect, it } from '@jest/globals';
import { Standstill } from './standstill.js';

let standstill: Standstill;
beforeEach(() => {
  standstill = new Standstill();
});

const at = (committed: number | null, lag: number, partition = 0) => ({ partition, start: 0, end: 0, committed, lag });

describe('since when nothing is settled', () => {
  it('is when claims that still wait were first seen, however rarely somebody looks', () => {
    expect(standstill.look([at(5, 0)], 1_000)).toBeNull();
    expect(standstill.look([at(5, 1)], 2_000)).toBe(2_000);
    expect(standstill.look([at(5, 9)], 900_000)).toBe(2_000);
  });

  it('begins again when the consumer has settled some, and is nothing once all are', () => {
    standstill.look([at(null, 3)], 1_000);
    expect(standstill.look([at(null, 3)], 2_000)).toBe(1_000);
    expect(standstill.look([at(1, 2)], 3_000)).toBe(3_000);
    expect(standstill.look([at(3, 0)], 4_000)).toBeNull();
    expect(standstill.look([at(3, 1)], 5_000)).toBe(5_000);
  });

  it('is that of the partition that stands longest, while others move', () => {
    standstill.look([at(7, 1, 0), at(1, 5, 1)], 1_000);
    expect(standstill.look([at(7, 4, 0), at(6, 5, 1)], 2_000)).toBe(1_000);
  });
});
