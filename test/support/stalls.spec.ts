import { afterEach, describe, expect, it } from '@jest/globals';
import { Stalls } from './stalls.js';
import { until } from './until.js';

/** Keeps the processor of this process for a while, as other processes do on a busy machine. */
function stall(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('stalls of the machine', () => {
  let meter: Stalls;
  afterEach(() => meter.stop());

  it('are the time for which timers came late', async () => {
    meter = new Stalls();
    const from = performance.now();
    stall(300);
    const to = performance.now();
    await until('the late timer', () => meter.between(from, Infinity) > 0);
    // The timer was due up to 20 ms after the stall began.
    expect(meter.between(from, to)).toBeGreaterThanOrEqual(275);
    expect(meter.between(from, to)).toBeLessThanOrEqual(to - from);
  });

  it('count as far as they lie within the time that is asked for', async () => {
    meter = new Stalls();
    const from = performance.now();
    stall(400);
    const to = performance.now();
    await until('the late timer', () => meter.between(from, Infinity) > 0);
    const half = (from + to) / 2;
    expect(meter.between(from, half)).toBeLessThanOrEqual(half - from);
    expect(meter.between(half, to)).toBeGreaterThanOrEqual(175);
    expect(meter.between(from - 1_000, from - 500)).toBe(0);
    expect(meter.between(Infinity, Infinity)).toBe(0);
  });
});
