import { describe, expect, it } from '@jest/globals';
import { ConsumerPace, SPACING_MS } from './consumer-pace.js';

describe('ConsumerPace', () => {
  it('lets the first batch begin at once', () => {
    expect(new ConsumerPace().restMs(0)).toBe(0);
  });

  it('spaces batches that are not full', () => {
    const pace = new ConsumerPace();
    pace.worked(100, 101, false);
    expect([pace.restMs(101), pace.restMs(120), pace.restMs(200)]).toEqual([SPACING_MS, SPACING_MS - 19, 0]);
  });

  it('gives way for eight times as long as a batch took', () => {
    const pace = new ConsumerPace();
    pace.worked(100, 120, true);
    expect(pace.restMs(120)).toBe(160);
    pace.worked(200, 210, false);
    expect(pace.restMs(210)).toBe(80);
  });

  it('gives way no more once it has been behind for five seconds, until it has caught up', () => {
    const pace = new ConsumerPace();
    pace.worked(1_000, 1_020, true);
    pace.worked(5_970, 5_990, true);
    expect(pace.restMs(5_990)).toBe(160);
    pace.worked(5_990, 6_000, true);
    expect(pace.restMs(6_000)).toBe(0);
    pace.worked(6_000, 6_020, true);
    expect(pace.restMs(6_020)).toBe(0);
    pace.worked(6_020, 6_040, false);
    pace.worked(7_000, 7_020, true);
    expect(pace.restMs(7_020)).toBe(160);
  });
});
