import { describe, expect, it } from '@jest/globals';
import { Clock } from '../../platform/flow/clock.js';
import { type IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { GateClock } from './gate-clock.js';

class SteppedClock extends Clock {
  ms = 1_000_000;
  override monotonic = (): number => this.ms;
  override wall = (): number => this.ms;
}

describe('the clock of the gate', () => {
  it('is asked once a second for all callers, and runs on with our own in between', async () => {
    const clock = new SteppedClock();
    let asked = 0;
    const now = (): Promise<number> => Promise.resolve(clock.ms + 250 * ++asked);
    const gateClock = new GateClock({ now } as unknown as IssuanceGate, clock);
    expect(await Promise.all([gateClock.now(), gateClock.now()])).toEqual([1_000_250, 1_000_250]);
    clock.ms += 900;
    expect([await gateClock.now(), asked]).toEqual([1_001_150, 1]);
    clock.ms += 200;
    expect([await gateClock.now(), asked]).toEqual([1_001_600, 2]);
  });

  it('never runs ahead of the gate by the time that its answer took, and stays while the gate is away', async () => {
    const clock = new SteppedClock();
    let isAway = false;
    const now = (): Promise<number> => {
      if (isAway) return Promise.reject(new Error('away'));
      const instant = clock.ms + 5_000;
      clock.ms += 30;
      return Promise.resolve(instant);
    };
    const gateClock = new GateClock({ now } as unknown as IssuanceGate, clock);
    expect(await gateClock.now()).toBe(1_005_000);
    isAway = true;
    clock.ms += 10_000;
    expect(await gateClock.offsetMs()).toBe(4_970);
  });
});
