import { describe, expect, it } from '@jest/globals';
import { randomFrom } from '../random.js';
import { type Arrival, momentsOf, parseCurve } from './arrivals.js';

const moments = (arrival: Arrival, users = 10_000) => momentsOf(arrival, users, randomFrom(1));
const before = (all: Float64Array, ms: number) => all.filter((moment) => moment < ms).length / all.length;

describe('users come', () => {
  it('all at the same moment in a burst', () => {
    expect(new Set(moments({ kind: 'burst' }))).toEqual(new Set([0]));
  });

  it('at one rate when they come steadily', () => {
    const all = moments({ kind: 'steady', seconds: 10 });
    expect(before(all, 5_000)).toBeCloseTo(0.5, 1);
    expect(before(all, 10_000)).toBe(1);
  });

  it('mostly at the end of a ramp', () => {
    const all = moments({ kind: 'ramp', seconds: 10 });
    expect(before(all, 5_000)).toBeCloseTo(0.25, 1);
    expect(before(all, 10_000)).toBe(1);
  });

  it('as they were recorded', () => {
    const points = parseCurve('second,arrivals\n0,300\n1,0\n2,100\n');
    const all = moments({ kind: 'curve', points });
    expect(before(all, 1_000)).toBeCloseTo(0.75, 1);
    expect(before(all, 2_000)).toBe(before(all, 1_000));
    // The last line lasts as long as the one before it.
    expect(before(all, 3_000)).toBe(1);
  });

  it('at the same moments with the same seed, in ascending order', () => {
    const all = moments({ kind: 'ramp', seconds: 3 }, 100);
    expect(all).toEqual(moments({ kind: 'ramp', seconds: 3 }, 100));
    expect(all).not.toEqual(momentsOf({ kind: 'ramp', seconds: 3 }, 100, randomFrom(2)));
    expect([...all]).toEqual([...all].sort((a, b) => a - b));
  });
});

describe('a recorded curve', () => {
  it('may come from a spreadsheet', () => {
    expect(parseCurve('\uFEFFsecond,arrivals\r\n0, 5\r\n\r\n2,7\r\n')).toEqual([
      { second: 0, arrivals: 5 },
      { second: 2, arrivals: 7 },
    ]);
  });

  it.each([
    ['0,5\n1,many', 'line 2'],
    ['0,5\n0,6', 'line 2: second 0 does not come after 0'],
    ['0,5,9', 'line 1'],
    ['0,5\n1,', 'line 2'],
    ['0,5\n1,-3', 'line 2'],
    ['0,0\n1,0', 'nobody arrives'],
    ['', 'nobody arrives'],
  ])('%j is refused: %s', (text, why) => {
    expect(() => parseCurve(text)).toThrow(why);
  });
});
