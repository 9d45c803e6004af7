import { expect, it } from '@jest/globals';
import { groupBy } from './group-by.js';

it('groups items by their key, in the order in which groups and items came', () => {
  const groups = groupBy(['b1', 'b2', 'a1', 'b3', 'a2', 'c1'], (item) => item.charAt(0));
  expect([...groups]).toEqual([
    ['b', ['b1', 'b2', 'b3']],
    ['a', ['a1', 'a2']],
    ['c', ['c1']],
  ]);
  expect(groupBy([], String).size).toBe(0);
});
