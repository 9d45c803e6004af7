import { gzipSync } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  CRC_AT,
  LEADER_EPOCH_AT,
  LENGTH_AT,
  RECORDS_AT,
} from '../../src/infrastructure/kafka/client/record-batch-layout.js';
import { encodeRecordBatch, type OutgoingRecord } from '../../src/infrastructure/kafka/client/record-batch.js';

const CREATED_AT = 1_795_000_000_123;

/** A batch of these records, as a broker stores it from this offset on. */
export function batchAt(offset: number, records: readonly OutgoingRecord[]): Buffer {
  const batch = Buffer.from(encodeRecordBatch(records, CREATED_AT));
  batch.writeBigInt64BE(BigInt(offset), BASE_OFFSET_AT);
  return batch;
}

/** The batch with a length and a checksum that fit its content. */
export function sealed(batch: Buffer): Buffer {
  const copy = Buffer.from(batch);
  copy.writeInt32BE(copy.length - LEADER_EPOCH_AT, LENGTH_AT);
  copy.writeUInt32BE(crc32c(copy.subarray(ATTRIBUTES_AT)), CRC_AT);
  return copy;
}

/** The batch with its records in another form. */
export function withRecords(batch: Buffer, codec: number, records: Buffer): Buffer {
  const changed = Buffer.concat([batch.subarray(0, RECORDS_AT), records]);
  changed.writeInt16BE(codec, ATTRIBUTES_AT);
  return sealed(changed);
}

/** The compressors of Kafka's own producers, with their number in the attributes. */
export const CODECS: Readonly<Record<'gzip' | 'snappy' | 'lz4' | 'zstd', [number, (bytes: Buffer) => Buffer]>> = {
  gzip: [1, (bytes) => gzipSync(bytes)],
  snappy: [2, snappy],
  lz4: [3, lz4],
  zstd: [4, zstd],
};

export function compressed(batch: Buffer, name: keyof typeof CODECS): Buffer {
  const [codec, compress] = CODECS[name];
  return withRecords(batch, codec, compress(batch.subarray(RECORDS_AT)));
}

// The three that kafkajs cannot read. They store the bytes uncompressed: this is short, and valid for a broker, which
// looks inside.

/** The framing of xerial, with one literal of at most 65,536 bytes. */
function snappy(bytes: Buffer): Buffer {
  const size = Buffer.alloc(3);
  size.set([(bytes.length & 0x7f) | 0x80, ((bytes.length >> 7) & 0x7f) | 0x80, bytes.length >> 14]);
  const literal = Buffer.alloc(3);
  literal.writeUInt8(61 << 2);
  literal.writeUInt16LE(bytes.length - 1, 1);
  const block = Buffer.concat([size, literal, bytes]);
  const header = Buffer.concat([Buffer.from([0x82]), Buffer.from('SNAPPY\0'), int32(1), int32(1)]);
  return Buffer.concat([header, int32(block.length), block]);
}

/** One frame with one block. */
function lz4(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE((bytes.length | 0x80000000) >>> 0);
  // Magic, flags, the largest block, and the checksum of these two.
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]), size, bytes, Buffer.alloc(4)]);
}

/** One frame of 256 to 65,791 bytes with one block. */
function zstd(bytes: Buffer): Buffer {
  const header = Buffer.alloc(7);
  header.set([0x28, 0xb5, 0x2f, 0xfd, 0x60]);
  header.writeUInt16LE(bytes.length - 256, 5);
  const block = Buffer.alloc(3);
  block.writeUIntLE((bytes.length << 3) | 1, 0, 3);
  return Buffer.concat([header, block, bytes]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
