import { describe, expect, it } from '@jest/globals';
import { endOfTurn } from './end-of-turn.js';

describe('the end of a turn', () => {
  it('is one moment for everybody who waits in the same turn, and another one in the next', async () => {
    const first = endOfTurn();
    expect(endOfTurn()).toBe(first);
    await first;
    expect(endOfTurn()).not.toBe(first);
    await endOfTurn();
  });

  it('comes after what was already due', async () => {
    const order: string[] = [];
    const waited = endOfTurn().then(() => order.push('turn'));
    await Promise.resolve().then(() => order.push('microtask'));
    await waited;
    expect(order).toEqual(['microtask', 'turn']);
  });
});
