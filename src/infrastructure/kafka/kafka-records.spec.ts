import { describe, expect, it } from '@jest/globals';
import { toLogRecord } from './kafka-records.js';

const bytes = (text: string) => Buffer.from(text);
const headersOf = (headers: Record<string, unknown>) =>
  toLogRecord('topic', 0, { offset: '1', key: null, value: null, headers }).headers;

describe('a record of Kafka', () => {
  it('keeps its bytes and its place', () => {
    const message = { offset: '9007199254740991', key: bytes('k'), value: bytes('v') };
    expect(toLogRecord('topic', 3, message)).toEqual({
      topic: 'topic',
      partition: 3,
      offset: Number.MAX_SAFE_INTEGER,
      key: bytes('k'),
      value: bytes('v'),
      headers: {},
    });
  });

  it('has the last value of a header that is repeated', () => {
    expect(headersOf({ one: bytes('a'), many: [bytes('b'), bytes('c')] })).toEqual({
      one: bytes('a'),
      many: bytes('c'),
    });
  });

  it('has bytes in every header, whatever its name', () => {
    // What kafkajs makes of a header called constructor: what every object has there, and then the value.
    expect(headersOf({ constructor: [Object, bytes('a')], nothing: null })).toEqual({
      constructor: bytes('a'),
      nothing: new Uint8Array(),
    });
    const hostile = Object.fromEntries([['__proto__', bytes('x')]]);
    expect(Object.entries(headersOf(hostile))).toEqual([['__proto__', bytes('x')]]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});
