import { describe, expect, it } from '@jest/globals';
import { endOfTurn } from './end-of-turn.js';

describe('the end of a turn', () => {
  it('is one promise for all calls in one turn, and another in the next', async () => {
    const first = endOfTurn();
    expect(endOfTurn()).toBe(first);
    await first;
    expect(endOfTurn()).not.toBe(first);
    await endOfTurn();
  });

  it('comes after the work that was already due', async () => {
    const order: string[] = [];
    const waited = endOfTurn().then(() => order.push('turn'));
    await Promise.resolve().then(() => order.push('microtask'));
    await waited;
    expect(order).toEqual(['microtask', 'turn']);
  });
});
