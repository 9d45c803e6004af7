import { expect, it } from '@jest/globals';
import { DeviceSleep } from './device-sleep.ts';

it.each([
  ['has not slept while both clocks go on', 60_000, 60_000, false],
  ['has not slept when one clock is a little slow', 60_000, 59_100, false],
  ['has slept when its other clock stood still', 60_000, 20, true],
  ['has slept, or was set, when the time of day goes back', -600_000, 1_000, true],
])('%s', (_what, wallMs, monotonicMs, slept) => {
  const [wall, monotonic] = [{ now: 1_000_000 }, { now: 5 }];
  const sleep = new DeviceSleep(
    () => wall.now,
    () => monotonic.now,
  );
  expect(sleep.hasSlept()).toBe(false);
  wall.now += wallMs;
  monotonic.now += monotonicMs;
  expect(sleep.hasSlept()).toBe(slept);
  expect(sleep.hasSlept()).toBe(false);
});
