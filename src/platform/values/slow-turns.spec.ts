import { describe, expect, it } from '@jest/globals';
import { SlowTurns } from './slow-turns.js';

describe('slow turns', () => {
  const roundOf = (turns: SlowTurns, ids: readonly string[]) => {
    turns.begin();
    const taken = ids.filter((id) => turns.take(id));
    turns.end();
    return taken.join('');
  };

  it('pass every id before the first has its turn again', () => {
    const turns = new SlowTurns(2);
    const ids = [...'abcde'];
    expect([1, 2, 3, 4].map(() => roundOf(turns, ids))).toEqual(['ab', 'cd', 'e', 'ab']);
  });

  it('take all in each round when there are few', () => {
    const turns = new SlowTurns(3);
    expect([roundOf(turns, ['a', 'b']), roundOf(turns, ['a', 'b']), roundOf(turns, [])]).toEqual(['ab', 'ab', '']);
    expect(roundOf(turns, ['a'])).toBe('a');
  });

  it('go on where they were when ids come and go', () => {
    const turns = new SlowTurns(2);
    expect(roundOf(turns, [...'abcd'])).toBe('ab');
    expect(roundOf(turns, [...'abcde'])).toBe('cd');
    expect(roundOf(turns, [...'fg'])).toBe('fg');
    expect(roundOf(turns, [...'fg'])).toBe('');
    expect(roundOf(turns, [...'fg'])).toBe('fg');
  });
});
