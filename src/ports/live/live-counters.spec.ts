import { beforeEach, describe, expect, it } from '@jest/globals';
import { LiveCounters } from './live-counters.js';

describe('the counters of a process', () => {
  let counters: LiveCounters;
  beforeEach(() => {
    counters = new LiveCounters();
  });

  it('count each campaign for itself', () => {
    counters.count('a', 'accepted');
    counters.count('a', 'accepted');
    counters.count('a', 'sold_out');
    counters.count('b', 'replayed');
    counters.issued('a', 20);
    counters.answered('a', 3);
    const counts = counters.read();
    expect(counts.get('a')).toMatchObject({ outcomes: { accepted: 2, sold_out: 1 }, issued: 1 });
    expect(counts.get('b')).toMatchObject({ outcomes: { replayed: 1 }, issued: 0 });
    const total = (times: readonly number[] = []) => times.reduce((sum, count) => sum + count, 0);
    expect([total(counts.get('a')?.claimTimes), total(counts.get('a')?.rowTimes)]).toEqual([1, 1]);
  });

  it('are read as they were', () => {
    counters.count('a', 'accepted');
    const before = counters.read();
    counters.count('a', 'accepted');
    counters.answered('a', 1);
    expect(before.get('a')).toMatchObject({ outcomes: { accepted: 1 } });
    expect(before.get('a')?.claimTimes.every((count) => count === 0)).toBe(true);
  });

  it('know nothing of a campaign that only a caller has named', () => {
    counters.answered('invented', 1);
    expect(counters.isEmpty).toBe(true);
  });

  it('take bounded memory', () => {
    for (let n = 0; n < 5_000; n++) counters.count(`c${n}`, 'accepted');
    expect(counters.read().size).toBe(1_000);
  });

  it('forget a campaign of which nothing is counted any more', () => {
    counters.count('quiet', 'accepted');
    for (let round = 0; round < 20; round++) {
      counters.count('busy', 'sold_out');
      counters.forgetQuiet();
    }
    expect([...counters.read().keys()]).toEqual(['busy']);
  });
});
