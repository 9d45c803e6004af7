import { beforeEach, describe, expect, it } from '@jest/globals';
import { TurnBatches } from './turn-batches.js';

describe('the batches of one turn', () => {
  let sent: number[][];
  let batches: TurnBatches<number, string>;

  beforeEach(() => {
    sent = [];
    batches = new TurnBatches(async (items) => {
      sent.push([...items]);
      if (items.includes(13)) throw new Error('13');
      return items.map((item) => `<${item}>`);
    }, 3);
  });

  it('go together, in their order, and everybody gets the own result', async () => {
    expect(await Promise.all([batches.add('a', 1), batches.add('a', 2)])).toEqual(['<1>', '<2>']);
    expect(sent).toEqual([[1, 2]]);
  });

  it('are apart for each key and each turn', async () => {
    expect(await Promise.all([batches.add('a', 1), batches.add('b', 2)])).toEqual(['<1>', '<2>']);
    expect(await batches.add('a', 3)).toBe('<3>');
    expect(sent).toEqual([[1], [2], [3]]);
  });

  it('hold no more than the most, and nobody is left behind', async () => {
    const all = Array.from({ length: 7 }, (_, index) => batches.add('a', index));
    expect(await Promise.all(all)).toEqual(['<0>', '<1>', '<2>', '<3>', '<4>', '<5>', '<6>']);
    expect(sent).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
  });

  it('fail together, and alone', async () => {
    const outcomes = await Promise.allSettled([batches.add('a', 12), batches.add('a', 13), batches.add('b', 14)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  });
});
