import { describe, expect, it } from '@jest/globals';
import { type FetchedMessage } from './fetched-batches.js';
import { toLogRecord } from './kafka-records.js';

const bytes = (text: string) => Buffer.from(text);
const fetched = (over: Partial<FetchedMessage>): FetchedMessage => ({
  offset: '1',
  key: null,
  value: null,
  headers: {},
  isControlRecord: false,
  batchContext: { producerId: '-1', inTransaction: false },
  ...over,
});

describe('a record of Kafka', () => {
  it('keeps its bytes and its place', () => {
    const message = fetched({ offset: '9007199254740991', key: bytes('k'), value: bytes('v') });
    expect(toLogRecord('topic', 3, message)).toEqual({
      topic: 'topic',
      partition: 3,
      offset: Number.MAX_SAFE_INTEGER,
      key: bytes('k'),
      value: bytes('v'),
      headers: {},
    });
  });

  it('has bytes in every header, whatever its name', () => {
    const headers = Object.fromEntries([
      ['constructor', bytes('a')],
      ['nothing', null],
      ['__proto__', bytes('x')],
    ]);
    expect(Object.entries(toLogRecord('topic', 0, fetched({ headers })).headers)).toEqual([
      ['constructor', bytes('a')],
      ['nothing', new Uint8Array()],
      ['__proto__', bytes('x')],
    ]);
  });

  it('lies where the batch begins that it stands for', () => {
    const unreadable = { firstOffset: 5, reason: 'offsets 5 to 9: why' };
    const record = toLogRecord('topic', 0, fetched({ offset: '9', value: bytes('batch'), unreadable }));
    expect(record).toMatchObject({ offset: 5, value: bytes('batch'), unreadable: 'offsets 5 to 9: why' });
  });
});
