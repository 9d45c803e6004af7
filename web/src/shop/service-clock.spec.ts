import { describe, expect, it } from '@jest/globals';
import { ServiceClock } from './service-clock.ts';

/** A device whose clock starts at 0, and a service that is `ahead` of it. */
function world(ahead: number, trips: readonly (readonly [up: number, down: number] | Error)[]) {
  let now = 0;
  const left = [...trips];
  const clock = new ServiceClock(
    () => {
      const trip = left.shift();
      if (trip === undefined || trip instanceof Error) return Promise.reject(trip ?? new Error('no more trips'));
      now += trip[0];
      const instant = Math.floor(now + ahead);
      now += trip[1];
      return Promise.resolve(instant);
    },
    () => now,
  );
  return { clock, pass: (ms: number) => (now += ms), truth: () => now + ahead };
}

describe('the clock of the service', () => {
  it('is read from the sample with the least round trip, and says how wrong it may be', async () => {
    const { clock, truth } = world(1_766_000_000_000, [
      [300, 20],
      [4, 6],
      [20, 200],
    ]);
    expect([clock.now(), clock.surely(), clock.error]).toEqual([null, null, Infinity]);
    await clock.compare();
    expect(clock.error).toBeLessThan(6);
    expect(Math.abs((clock.now() ?? 0) - truth())).toBeLessThanOrEqual(clock.error);
  });

  it.each([
    [[40, 0] as const, 'all of the way up'],
    [[0, 40] as const, 'all of the way down'],
  ])('never runs ahead in what it says surely: %p, %s', async (trip, _name) => {
    const { clock, truth } = world(123_456, [trip, trip, trip]);
    await clock.compare();
    expect(clock.surely()).toBeLessThanOrEqual(truth());
    expect(truth() - (clock.surely() ?? 0)).toBeLessThanOrEqual(42);
  });

  it('takes the samples that came, and fails without any', async () => {
    const { clock } = world(0, [new Error('away'), [5, 5], new Error('away')]);
    await clock.compare();
    expect(clock.error).toBeLessThan(6);
    await expect(clock.compare()).rejects.toThrow('no more trips');
    expect(clock.error).toBeLessThan(6);
  });

  it('grows less exact with time, and keeps what is still more exact than a new comparison', async () => {
    const slow = [200, 200] as const;
    const { clock, pass } = world(0, [[2, 2], [2, 2], [2, 2], slow, slow, slow, slow, slow, slow]);
    await clock.compare();
    const first = clock.error;
    pass(60_000);
    expect(clock.error).toBeCloseTo(first + 6, 0);
    await clock.compare();
    expect(clock.error).toBeLessThan(10);
    clock.forget();
    expect(clock.now()).toBeNull();
    await clock.compare();
    expect(clock.error).toBeGreaterThan(199);
  });
});
