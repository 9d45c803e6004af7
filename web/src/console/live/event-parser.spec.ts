import { expect, it } from '@jest/globals';
import { EventParser } from './event-parser.ts';

const STREAM = 'retry: 2500\n\n: still here\n\nid: 7\ndata: {"at":7}\n\nid: 8\ndata: a\ndata: b\n\nid: 9\ndata: half';

it('reads the same events in whatever pieces they arrive', () => {
  for (const size of [1, 2, 3, 7, STREAM.length]) {
    const parser = new EventParser();
    const events = Array.from({ length: Math.ceil(STREAM.length / size) }, (_, index) =>
      parser.push(STREAM.slice(index * size, (index + 1) * size)),
    ).flat();
    expect(events).toEqual([
      { id: '7', data: '{"at":7}' },
      { id: '8', data: 'a\nb' },
    ]);
    expect(parser.retryMs).toBe(2_500);
  }
});
