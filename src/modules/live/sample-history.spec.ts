import { describe, expect, it } from '@jest/globals';
import { instantOfEventId, SampleHistory } from './sample-history.js';

describe('the last samples of a campaign', () => {
  it('are sent in order from behind the last one that was seen', () => {
    const history = new SampleHistory(3);
    for (const at of [1, 2, 3, 4]) history.add(at, Buffer.from(`${at}`));
    const since = (after: number | null) => history.since(after).map(String);
    expect(since(null)).toEqual(['2', '3', '4']);
    expect(since(2)).toEqual(['3', '4']);
    expect(since(0)).toEqual(['2', '3', '4']);
    expect(since(4)).toEqual([]);
  });

  it.each([
    [undefined, null],
    ['', null],
    ['nonsense', null],
    ['-5', null],
    ['1.5', null],
    ['1e3', null],
    ['0x10', null],
    ['9'.repeat(30), null],
    ['2001', null],
    ['2000', 2_000],
    ['7', 7],
  ])('a Last-Event-ID of %p means %p at 2000', (id, instant) => {
    expect(instantOfEventId(id, 2_000)).toBe(instant);
  });
});
