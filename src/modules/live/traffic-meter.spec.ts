import { beforeEach, describe, expect, it } from '@jest/globals';
import { type CampaignCounts, type CountedOutcome, LiveCounters } from '../../ports/live/live-counters.js';
import { type ProcessReport } from '../../ports/live/process-board.js';
import { quantileMs } from '../../ports/live/time-buckets.js';
import { TrafficMeter } from './traffic-meter.js';

const CAMPAIGN = 'default';

/** A process as the board shows it: it counts, and time passes. */
class Reporter {
  private readonly counters = new LiveCounters();
  private uptimeMs = 5_000;

  constructor(private readonly id: string) {}

  does(times: number, outcome: CountedOutcome, ms = 2): this {
    for (let n = 0; n < times; n++) {
      this.counters.count(CAMPAIGN, outcome);
      this.counters.answered(CAMPAIGN, ms);
    }
    return this;
  }

  issues(times: number, ms: number): this {
    for (let n = 0; n < times; n++) this.counters.issued(CAMPAIGN, ms);
    return this;
  }

  after(ms: number): ProcessReport {
    this.uptimeMs += ms;
    return this.now();
  }

  now(campaigns: ReadonlyMap<string, CampaignCounts> = this.counters.read()): ProcessReport {
    const process = { id: this.id, instance: this.id, roles: ['api'], version: '1', startedAt: 0 };
    return { process, uptimeMs: this.uptimeMs, campaigns };
  }
}

describe('the traffic of a campaign', () => {
  let meter: TrafficMeter;
  let one: Reporter;
  let two: Reporter;
  beforeEach(() => {
    meter = new TrafficMeter(CAMPAIGN);
    [one, two] = [new Reporter('one'), new Reporter('two')];
  });
  const observe = (...reports: ProcessReport[]) => meter.observe(reports, true);

  it('is known from the second reading on', () => {
    const first = observe(one.does(100, 'accepted').now());
    expect(first).toMatchObject({ rates: null, processes: [{ rates: null }], complete: true });
    const second = observe(one.does(50, 'accepted').does(20, 'sold_out').does(10, 'replayed').after(500));
    expect(second.rates).toEqual({ claims: 100, replayed: 20, refused: 40, refusals: { sold_out: 40 }, issued: 0 });
  });

  it('is the sum of what all processes do', () => {
    observe(one.now(), two.now());
    const { rates, processes } = observe(
      one.does(100, 'accepted').does(5, 'sold_out').after(1_000),
      two.does(50, 'accepted').does(5, 'sold_out').does(1, 'paused').issues(30, 9).after(1_000),
    );
    expect(rates).toEqual({ claims: 150, replayed: 0, refused: 11, refusals: { sold_out: 10, paused: 1 }, issued: 30 });
    expect(processes.map(({ process, rates: own }) => [process.id, own?.claims, own?.issued])).toEqual([
      ['one', 100, 0],
      ['two', 50, 30],
    ]);
  });

  it('has the quantiles of the sum of all buckets', () => {
    observe(one.now(), two.now());
    const { claimTimes, rowTimes } = observe(
      one.does(990, 'accepted', 1).issues(98, 10).after(1_000),
      two.does(10, 'accepted', 1_000).issues(2, 9_000).after(1_000),
    );
    expect(claimTimes.reduce((sum, count) => sum + count, 0)).toBe(1_000);
    expect(quantileMs(claimTimes, 0.5)).toBeLessThanOrEqual(1);
    expect(quantileMs(claimTimes, 0.999)).toBeGreaterThan(800);
    expect(quantileMs(rowTimes, 0.99)).toBeGreaterThan(7_500);
  });

  it('forgets durations after ten seconds', () => {
    observe(one.now());
    observe(one.does(5, 'accepted').after(1_000));
    for (let second = 0; second < 9; second++) expect(observe(one.after(1_000)).claimTimes.some(Boolean)).toBe(true);
    expect(observe(one.after(1_000)).claimTimes.some(Boolean)).toBe(false);
  });

  it('keeps the rate of a process that has not written since', () => {
    observe(one.now());
    observe(one.does(10, 'accepted').after(1_000));
    const { rates, claimTimes } = observe(one.now());
    expect(rates?.claims).toBe(10);
    expect(claimTimes.reduce((sum, count) => sum + count, 0)).toBe(10);
  });

  it('goes on when a process comes, goes, or counts from 0 again', () => {
    observe(one.does(1_000, 'accepted').now());
    const { rates } = observe(one.does(10, 'accepted').after(1_000), two.does(500, 'accepted').now());
    expect(rates?.claims).toBe(10);
    expect(observe(two.does(5, 'accepted').after(1_000)).processes).toHaveLength(1);
    const forgotten = new LiveCounters();
    forgotten.count(CAMPAIGN, 'accepted');
    two.after(1_000);
    expect(observe(two.now(forgotten.read())).rates?.claims).toBe(1);
    two.after(1_000);
    expect(observe(two.now(new Map())).rates?.claims).toBe(0);
  });

  it('does not forget the others while the board is away', () => {
    observe(one.now(), two.now());
    observe(one.after(1_000), two.after(1_000));
    expect(meter.observe([one.does(7, 'accepted').after(1_000)], false)).toMatchObject({
      complete: false,
      rates: { claims: 7 },
    });
    const { rates } = observe(one.after(1_000), two.does(20, 'accepted').after(2_000));
    expect(rates?.claims).toBe(10);
  });
});
