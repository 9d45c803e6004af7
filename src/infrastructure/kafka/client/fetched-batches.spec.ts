import { describe, expect, it } from '@jest/globals';
import { batchAt, CODECS, compressed, sealed, withRecords } from '../../../../test/support/record-batches.js';
import { decodeFetchedBatches, type FetchedMessage, type FetchedRange, MemoryBudget } from './fetched-batches.js';
import { COUNT_AT, CRC_AT, LAST_OFFSET_DELTA_AT, LENGTH_AT, MAGIC_AT, RECORDS_AT } from './record-batch-layout.js';

const records = (...values: string[]) => values.map((value) => ({ key: 'k', value }));
/** Long enough for every codec. */
const LONG = 'x'.repeat(300);

const read = (
  bytes: Buffer,
  range: Partial<FetchedRange> = {},
  budget = new MemoryBudget(),
): Promise<FetchedMessage[]> =>
  decodeFetchedBatches(bytes, { from: 0, highWatermark: 1_000_000, beginsWhole: true, ...range }, budget);

/** Offset → value, or for a batch that is given up, the first and the last offset. */
const shown = (messages: readonly FetchedMessage[]) =>
  messages.map(({ offset, value, unreadable, isControlRecord }) => {
    if (unreadable !== undefined) return `${unreadable.firstOffset}-${offset} unreadable`;
    return isControlRecord ? `${offset} control` : `${offset} ${value}`;
  });

function changed(batch: Buffer, change: (bytes: Buffer) => void): Buffer {
  const copy = Buffer.from(batch);
  change(copy);
  return copy;
}

/** One record of the wire format, whatever it says. */
const record = (...bytes: number[]) => Buffer.from([bytes.length * 2, ...bytes]);
const RECORD = [0, 0, 0, 1, 1, 0];

const BAD: [string, RegExp, (batch: Buffer) => Buffer][] = [
  ['a wrong checksum', /checksum/, (batch) => changed(batch, (bytes) => bytes.writeUInt32BE(7, CRC_AT))],
  ['a flipped bit in a value', /checksum/, (batch) => changed(batch, (bytes) => bytes.write('X', bytes.length - 2))],
  ['an unknown format', /format 3/, (batch) => changed(batch, (bytes) => bytes.writeInt8(3, MAGIC_AT))],
  ['snappy', /snappy/, (batch) => compressed(batch, 'snappy')],
  ['lz4', /lz4/, (batch) => compressed(batch, 'lz4')],
  ['zstd', /zstd/, (batch) => compressed(batch, 'zstd')],
  ['a codec that nobody knows', /codec 7/, (batch) => withRecords(batch, 7, batch.subarray(RECORDS_AT))],
  ['no gzip where gzip should be', /decompressed/, (batch) => withRecords(batch, 1, Buffer.from('no gzip'))],
  ['nothing where gzip should be', /decompressed/, (batch) => withRecords(batch, 1, Buffer.alloc(0))],
  [
    'gzip that is cut off',
    /decompressed/,
    (batch) => withRecords(batch, 1, CODECS.gzip[1](batch.subarray(RECORDS_AT)).subarray(0, -12)),
  ],
  ['gzip of something else', /malformed/, (batch) => withRecords(batch, 1, CODECS.gzip[1](Buffer.from('{}')))],
  [
    'more in it than is read, out of a few bytes',
    /larger than/,
    (batch) => withRecords(batch, 1, CODECS.gzip[1](Buffer.alloc(64 * 1_024 * 1_024))),
  ],
  [
    'two thousand million records',
    /holds 2147483647 records/,
    (batch) => sealed(changed(batch, (bytes) => bytes.writeInt32BE(2 ** 31 - 1, COUNT_AT))),
  ],
  [
    'more records than it has',
    /malformed/,
    (batch) => sealed(changed(batch, (bytes) => bytes.writeInt32BE(50, COUNT_AT))),
  ],
  [
    'fewer records than it has',
    /malformed/,
    (batch) => sealed(changed(batch, (bytes) => bytes.writeInt32BE(1, COUNT_AT))),
  ],
  [
    'a negative number of offsets',
    /malformed/,
    (batch) => sealed(changed(batch, (bytes) => bytes.writeInt32BE(-1, LAST_OFFSET_DELTA_AT))),
  ],
  [
    'a record beyond its last offset',
    /malformed/,
    (batch) => withRecords(batch, 0, Buffer.concat([record(...RECORD), record(0, 0, 40, 1, 1, 0)])),
  ],
  [
    'two records at one offset',
    /malformed/,
    (batch) => withRecords(batch, 0, Buffer.concat([record(...RECORD), record(...RECORD)])),
  ],
  [
    'a record longer than the batch',
    /malformed/,
    (batch) => withRecords(batch, 0, Buffer.from([200, 1, 0, 0, 0, 1, 1, 0])),
  ],
  ['a key longer than its record', /malformed/, (batch) => withRecords(batch, 0, record(0, 0, 0, 60, 1, 0))],
  ['a length below none', /malformed/, (batch) => withRecords(batch, 0, record(0, 0, 0, 5, 1, 0))],
  ['a number without an end', /malformed/, (batch) => withRecords(batch, 0, Buffer.alloc(12, 0xff))],
  ['more headers than bytes', /malformed/, (batch) => withRecords(batch, 0, record(0, 0, 0, 1, 1, 120))],
  ['bytes behind the headers', /malformed/, (batch) => withRecords(batch, 0, record(...RECORD, 9))],
  ['a header alone', /shorter/, (batch) => sealed(batch.subarray(0, 40))],
];

describe('what a fetch has brought', () => {
  it('is every message of every batch, plain and in gzip', async () => {
    const bytes = Buffer.concat([
      batchAt(10, records('a', 'b')),
      compressed(batchAt(12, records('c')), 'gzip'),
      batchAt(13, records('d')),
    ]);
    expect(shown(await read(bytes, { from: 10 }))).toEqual(['10 a', '11 b', '12 c', '13 d']);
  });

  it('keeps what a record can be: without key, value or headers, with a header twice, with one called __proto__', async () => {
    const header = (name: string, value: string) => [
      name.length * 2,
      ...Buffer.from(name),
      value.length * 2,
      ...Buffer.from(value),
    ];
    const headers = [...header('a', '1'), ...header('a', '2'), ...header('__proto__', 'x'), 2, 98, 1];
    const bytes = withRecords(
      batchAt(0, records('1', '2')),
      0,
      Buffer.concat([record(...RECORD), record(0, 0, 2, 0, 0, 8, ...headers)]),
    );
    const [bare, full] = await read(bytes);
    expect(bare).toMatchObject({ offset: '0', key: null, value: null, headers: {} });
    expect(full).toMatchObject({ offset: '1', key: Buffer.alloc(0), value: Buffer.alloc(0) });
    expect(Object.entries(full?.headers ?? {}).map(([name, value]) => [name, value?.toString()])).toEqual([
      ['a', '2'],
      ['__proto__', 'x'],
      ['b', undefined],
    ]);
  });

  it.each(BAD)('gives up a batch with %s, says why, and no other one', async (_what, why, damage) => {
    const before = batchAt(0, records('before'));
    const bad = damage(batchAt(1, records(LONG, 'b', 'c')));
    const after = batchAt(4, records('after'));
    const messages = await read(Buffer.concat([before, bad, after]));
    expect(shown(messages)).toEqual(['0 before', '1-3 unreadable', '4 after']);
    expect(messages[1]?.unreadable?.reason).toMatch(why);
    expect(messages[1]?.unreadable?.reason).toContain('offsets 1 to 3');
    expect(messages[1]?.value).toEqual(bad);
  });

  it.each(BAD.filter(([what]) => !/alone|format|negative/.test(what)))(
    'gives up as much where nothing follows: %s',
    async (_what, _why, damage) => {
      const bad = damage(batchAt(1, records(LONG, 'b', 'c')));
      expect(shown(await read(bad, { from: 1 }))).toEqual(['1-3 unreadable']);
    },
  );

  it('gives up one offset where nothing follows, and the header cannot be believed', async () => {
    const bad = changed(batchAt(1, records('a', 'b', 'c')), (bytes) => bytes.writeInt8(1, MAGIC_AT));
    expect(shown(await read(bad, { from: 1 }))).toEqual(['1-1 unreadable']);
    expect(shown(await read(bad, { from: 2 }))).toEqual(['1-2 unreadable']);
  });

  it('passes over no good batch behind a header that reaches too far', async () => {
    const bad = changed(batchAt(1, records('a', 'b')), (bytes) => bytes.writeInt32BE(500, LAST_OFFSET_DELTA_AT));
    const after = batchAt(3, records('after'));
    expect(shown(await read(Buffer.concat([bad, after]), { from: 1 }))).toEqual(['1-2 unreadable', '3 after']);
    // The end of the batch is unknown: one offset is given up, and the next fetch tells more.
    expect(shown(await read(bad, { from: 1 }))).toEqual(['1-1 unreadable']);
    expect(shown(await read(bad, { from: 2 }))).toEqual(['1-2 unreadable']);
    const both = changed(bad, (bytes) => bytes.writeInt32BE(501, COUNT_AT));
    expect(shown(await read(both, { from: 1, highWatermark: 40 }))).toEqual(['1-39 unreadable']);
  });

  it.each([
    ['a length that is none', (bytes: Buffer) => bytes.writeInt32BE(-5, LENGTH_AT)],
    ['a length beyond everything', (bytes: Buffer) => bytes.writeInt32BE(2 ** 31 - 1, LENGTH_AT)],
    ['an offset below none', (bytes: Buffer) => bytes.writeBigInt64BE(-9n, 0)],
    ['an offset that does not exist yet', (bytes: Buffer) => bytes.writeBigInt64BE(2n ** 52n, 0)],
  ])('gives up one offset where the frame has %s, and goes on behind it with the next fetch', async (_what, damage) => {
    const bytes = changed(Buffer.concat([batchAt(5, records('a', 'b')), batchAt(7, records('c'))]), damage);
    const messages = await read(bytes, { from: 5 });
    expect(shown(messages)).toEqual(['5-5 unreadable']);
    expect(messages[0]?.unreadable?.reason).toContain('frame');
  });

  it('reads what was acknowledged after the broker had noted the end of the log', async () => {
    const first = batchAt(100, records('a', 'b'));
    const second = batchAt(102, records('c', 'd'));
    const third = batchAt(104, records('e'));
    const all = ['100 a', '101 b', '102 c', '103 d', '104 e'];
    const bytes = Buffer.concat([first, second, third]);
    expect(shown(await read(bytes, { from: 100, highWatermark: 102 }))).toEqual(all);
    expect(shown(await read(bytes, { from: 101, highWatermark: 101 }))).toEqual(all);
    expect(shown(await read(second, { from: 102, highWatermark: 102 }))).toEqual(['102 c', '103 d']);
    const bad = compressed(second, 'lz4');
    expect(shown(await read(bad, { from: 102, highWatermark: 102 }))).toEqual(['102-102 unreadable']);
  });

  it('leaves a batch that is cut off to the next fetch', async () => {
    const whole = batchAt(0, records('a'));
    const next = batchAt(1, records('b'));
    for (const length of [1, 11, 12, 16, 40, next.length - 1]) {
      const bytes = Buffer.concat([whole, next.subarray(0, length)]);
      expect(shown(await read(bytes))).toEqual(['0 a']);
      // Other partitions have used up what one answer may hold.
      expect(shown(await read(next.subarray(0, length), { beginsWhole: false }))).toEqual([]);
    }
  });

  it('passes over what is no message: the end of a transaction, and what compaction has left', async () => {
    const control = sealed(changed(batchAt(0, records('end')), (bytes) => bytes.writeInt16BE(0x20, 21)));
    const emptied = withRecords(
      changed(batchAt(1, records('a', 'b')), (bytes) => bytes.writeInt32BE(0, COUNT_AT)),
      0,
      Buffer.alloc(0),
    );
    const thinned = withRecords(
      changed(batchAt(3, records('a', 'b', 'c')), (bytes) => bytes.writeInt32BE(1, COUNT_AT)),
      0,
      record(0, 0, 2, 1, 2, 97, 0),
    );
    expect(shown(await read(Buffer.concat([control, emptied, thinned])))).toEqual([
      '0 control',
      '2 control',
      '4 a',
      '5 control',
    ]);
  });

  it('takes no more memory than it may, however small it was, and leaves the rest to the next fetch', async () => {
    const large = compressed(batchAt(0, [{ key: 'k', value: 'x'.repeat(15 * 1_024 * 1_024) }]), 'gzip');
    expect(large.length).toBeLessThan(20_000);
    const at = (offset: number) => changed(large, (bytes) => bytes.writeBigInt64BE(BigInt(offset), 0));
    const bytes = Buffer.concat([at(0), at(1), at(2), at(3), at(4)]);
    const budget = new MemoryBudget();
    expect((await read(bytes, {}, budget)).map(({ offset }) => offset)).toEqual(['0', '1', '2']);
    expect(await read(bytes, {}, budget)).toEqual([]);
  });

  it('says the same of any bytes: every offset once, in order, none beyond the end', async () => {
    const bytes = Buffer.concat([
      batchAt(0, records('a', 'b')),
      compressed(batchAt(2, records('c', 'd')), 'gzip'),
      batchAt(4, records('e')),
    ]);
    // A fixed sequence, so that a failure can be repeated.
    let seed = 20_261_130;
    const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    for (let round = 0; round < 3_000; round++) {
      const broken = changed(bytes, (copy) => {
        for (let times = 0; times <= random(3); times++) copy[random(copy.length)] = random(256);
      });
      let next = 0;
      for (let fetches = 0; next < 5; fetches++) {
        expect(fetches).toBeLessThan(6);
        const messages = (await read(broken, { from: next, highWatermark: 5 })).filter(
          ({ offset }) => Number(offset) >= next,
        );
        const offsets = messages.map(({ offset }) => Number(offset));
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
        expect(offsets.at(-1) ?? 0).toBeLessThan(5);
        // kafkajs fetches from the next offset when the answer had nothing that it wants.
        next = Math.max(next + 1, (offsets.at(-1) ?? -1) + 1);
      }
    }
  });
});
