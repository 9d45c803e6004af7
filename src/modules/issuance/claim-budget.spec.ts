import { describe, expect, it } from '@jest/globals';
import { SetClock } from '../../../test/support/flow.js';
import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { DeadlineError } from '../../platform/flow/with-deadline.js';

import { systemTimers } from '../../platform/flow/timers.js';
import { ClaimBudget } from './claim-budget.js';

describe('the budget of a claim', () => {
  it.each<[string, number, number, number, boolean]>([
    ['nothing has passed', 0, 0, CLAIM_DEADLINE_MS, false],
    ['both clocks have gone on', 500, 500, CLAIM_DEADLINE_MS - 500, false],
    ['all of it has passed', CLAIM_DEADLINE_MS, CLAIM_DEADLINE_MS, 0, false],
    ['the machine was suspended, which stops the monotonic clock', 1, CLAIM_DEADLINE_MS + 1, 0, true],
    ['the wall clock was set back', CLAIM_DEADLINE_MS + 1, -60_000, 0, true],
  ])('when %s', (_when, monotonic, wall, leftMs, isOver) => {
    const clock = new SetClock();
    const budget = new ClaimBudget(clock, systemTimers);
    clock.at = { monotonic: clock.at.monotonic + monotonic, wall: clock.at.wall + wall };
    expect([budget.leftMs, budget.isOver]).toEqual([leftMs, isOver]);
  });

  it('waits for nothing beyond its end, and takes what is there already', async () => {
    const clock = new SetClock();
    const budget = new ClaimBudget(clock, systemTimers);
    clock.pass(CLAIM_DEADLINE_MS);
    expect(await budget.within(Promise.resolve('there'))).toBe('there');
    await expect(budget.within(new Promise(() => undefined))).rejects.toBeInstanceOf(DeadlineError);
  });
});
