import { describe, expect, it } from '@jest/globals';
import { TurnBudget } from './turn-budget.js';

/** Turns of the event loop during `work`. */
async function turnsDuring(work: () => Promise<void>): Promise<number> {
  let turns = 0;
  let counting = setImmediate(function count() {
    turns += 1;
    counting = setImmediate(count);
  });
  await work();
  clearImmediate(counting);
  return turns;
}

/** Keeps the thread busy. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

describe('TurnBudget', () => {
  it('lets the event loop turn when the budget is used up, again and again', async () => {
    const budget = new TurnBudget(2);
    const turns = await turnsDuring(async () => {
      for (let step = 0; step < 20; step++) {
        await budget.giveWay();
        work(3);
      }
    });
    expect(turns).toBeGreaterThanOrEqual(19);
  });

  it('costs no turn while the budget lasts', async () => {
    const budget = new TurnBudget(60_000);
    const turns = await turnsDuring(async () => {
      for (let step = 0; step < 20; step++) {
        await budget.giveWay();
        work(1);
      }
    });
    expect(turns).toBe(0);
  });
});
