import { describe, expect, it } from '@jest/globals';
import { putNewest } from './put-newest.js';

describe('a map with a limit', () => {
  it('forgets the entries that were put longest ago, and moves one that is put again behind the others', () => {
    const map = new Map<string, number>();
    for (const key of ['a', 'b', 'c', 'a', 'd']) putNewest(map, key, map.size, 3);
    expect([...map.keys()]).toEqual(['c', 'a', 'd']);
    putNewest(map, 'e', 9, 1);
    expect([...map]).toEqual([['e', 9]]);
  });
});
