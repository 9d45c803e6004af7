import { describe, expect, it } from '@jest/globals';
import { SetClock } from '../../../test/support/flow.js';

describe('the time since an instant', () => {
  it.each<[string, number, number, number]>([
    ['both clocks go on', 700, 700, 700],
    ['a suspended machine stops the monotonic clock', 10, 5_000, 5_000],
    ['the wall clock is set back', 700, -3_600_000, 700],
  ])('is the larger of both clocks: %s', (_what, monotonic, wall, elapsed) => {
    const clock = new SetClock();
    const since = clock.now();
    clock.at = { monotonic: since.monotonic + monotonic, wall: since.wall + wall };
    expect(clock.elapsedMs(since)).toBe(elapsed);
  });
});
