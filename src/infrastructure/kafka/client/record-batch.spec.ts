import { describe, expect, it } from '@jest/globals';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import crc32C from 'kafkajs/src/protocol/recordBatch/crc32C/index.js';
import decodeRecordBatch from 'kafkajs/src/protocol/recordBatch/v0/decoder.js';
import { encodeRecordBatch, type OutgoingRecord } from './record-batch.js';

const CREATED_AT = 1_795_000_000_123;

/** As kafkajs reads what a broker stores. */
async function read(batch: Buffer): Promise<(OutgoingRecord & { offset: string; timestamp: string })[]> {
  const { records } = (await decodeRecordBatch(new Decoder(batch))) as {
    records: { offset: string; timestamp: string; key: Buffer; value: Buffer; headers: Record<string, Buffer> }[];
  };
  return records.map(({ offset, timestamp, key, value, headers }) => {
    const { traceparent, ...others } = headers;
    expect(others).toEqual({});
    const header = traceparent === undefined ? {} : { traceParent: traceparent.toString() };
    return { offset, timestamp, key: key.toString(), value: value.toString(), ...header };
  });
}

describe('a record batch', () => {
  it.each([
    ['one record', [{ key: 'campaign:user', value: '{"v":1}' }]],
    ['what is empty', [{ key: '', value: '' }]],
    ['more than one byte for a character', [{ key: '쿠폰:💥', value: '{"이름":"é"}' }]],
    [
      'lengths on both sides of what a byte, two and three can hold',
      [63, 64, 8_191, 8_192, 70_000].map((length) => ({ key: 'k'.repeat(length), value: 'v'.repeat(length) })),
    ],
    [
      'a header in some of them',
      [
        { key: 'a', value: 'x' },
        { key: 'b', value: 'y', traceParent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
        { key: 'c', value: 'v'.repeat(70_000), traceParent: 'é'.repeat(200) },
        { key: '', value: '', traceParent: '' },
        { key: 'd', value: 'z' },
      ],
    ],
    ['so many that their place takes two bytes', Array.from({ length: 300 }, (_, n) => ({ key: `${n}`, value: 'x' }))],
  ])('is read by kafkajs as it was written: %s', async (_, records) => {
    const found = await read(encodeRecordBatch(records, CREATED_AT));
    expect(found).toEqual(
      records.map((record, index) => ({ ...record, offset: `${index}`, timestamp: `${CREATED_AT}` })),
    );
  });

  it('has the length and the checksum of what it holds', () => {
    const batch = encodeRecordBatch([{ key: 'a', value: 'b' }], CREATED_AT);
    expect(batch.readInt32BE(8)).toBe(batch.length - 12);
    expect(batch.readUInt32BE(17)).toBe(crc32C(batch.subarray(21)));
  });
});
