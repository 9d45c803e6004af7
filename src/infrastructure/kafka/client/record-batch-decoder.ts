import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import {
  ATTRIBUTES_AT,
  BASE_OFFSET_AT,
  COUNT_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  MAGIC,
  MAGIC_AT,
  PRODUCER_ID_AT,
  RECORDS_AT,
} from './record-batch-layout.js';

/** One record as it lies in a batch. */
export interface DecodedRecord {
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** The last value of a repeated header counts, as in Kafka's own clients. */
  readonly headers: Readonly<Record<string, Buffer | null>>;
}

export interface DecodedBatch {
  readonly records: readonly DecodedRecord[];
  /** Compaction may have removed the record at this offset. */
  readonly lastOffset: number;
  /** The marker of a transaction's end, and no message. */
  readonly isControl: boolean;
  readonly isTransactional: boolean;
  readonly producerId: bigint;
  /** Size of the records, decompressed. */
  readonly bytes: number;
}

/** The batch can never be read here; the message says why, in words for an operator. */
export class UnreadableBatchError extends Error {
  override readonly name = 'UnreadableBatchError';
}

/**
 * A small batch can decompress to gigabytes. A thousand claims are half a megabyte. By default a broker takes one
 * megabyte, compressed.
 */
const MAX_BATCH_BYTES = 16 * 1_024 * 1_024;
/** As objects, records of a few bytes take a hundred times their size. */
const MAX_RECORDS = 100_000;

const CODEC_MASK = 0b111;
const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;
const UNCOMPRESSED = 0;
const GZIP = 1;
/** By their number in the attributes. */
const CODEC_NAMES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

const inflate = promisify(gunzip);

/**
 * Reads one record batch, all of it or nothing.
 *
 * kafkajs's own decoder ignores the checksum, clamps lengths that point behind the batch, makes as many records as the
 * header claims, and decompresses without a limit (ADR 29).
 *
 * @param batch from its base offset to its end.
 * @throws UnreadableBatchError
 */
export async function decodeRecordBatch(batch: Buffer): Promise<DecodedBatch> {
  const magic = batch.readInt8(MAGIC_AT);
  if (magic !== MAGIC) throw new UnreadableBatchError(`it has message format ${magic}, which is not read here`);
  if (batch.length < RECORDS_AT) throw new UnreadableBatchError('it is shorter than its header');
  if (!hasRightChecksum(batch)) throw new UnreadableBatchError('its checksum is wrong');
  const attributes = batch.readInt16BE(ATTRIBUTES_AT);
  const count = batch.readInt32BE(COUNT_AT);
  if (count > MAX_RECORDS) throw new UnreadableBatchError(`it holds ${count} records, at most ${MAX_RECORDS} are read`);
  const bytes = await decompress(batch.subarray(RECORDS_AT), attributes & CODEC_MASK);
  const baseOffset = Number(batch.readBigInt64BE(BASE_OFFSET_AT));
  const lastDelta = batch.readInt32BE(LAST_OFFSET_DELTA_AT);
  if (lastDelta < 0) throw malformed();
  return {
    records: new RecordReader(bytes, baseOffset, lastDelta).readAll(count),
    lastOffset: baseOffset + lastDelta,
    isControl: (attributes & CONTROL) !== 0,
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    producerId: batch.readBigInt64BE(PRODUCER_ID_AT),
    bytes: bytes.length,
  };
}

/** @param batch of the format {@link MAGIC}, no shorter than its header. */
export function hasRightChecksum(batch: Buffer): boolean {
  return crc32c(batch.subarray(ATTRIBUTES_AT)) === batch.readUInt32BE(CRC_AT);
}

async function decompress(bytes: Buffer, codec: number): Promise<Buffer> {
  if (codec === UNCOMPRESSED) return bytes;
  if (codec !== GZIP) {
    throw new UnreadableBatchError(
      `it is compressed with ${CODEC_NAMES[codec] ?? `codec ${codec}`}, which is not read`,
    );
  }
  try {
    return await inflate(bytes, { maxOutputLength: MAX_BATCH_BYTES });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UnreadableBatchError(
      code === 'ERR_BUFFER_TOO_LARGE'
        ? `it is larger than ${MAX_BATCH_BYTES} bytes, decompressed`
        : `it cannot be decompressed: ${message}`,
    );
  }
}

/** Every length is checked against what is there. */
class RecordReader {
  private at = 0;
  /** Where the record that is read ends. */
  private end = 0;
  private lastDelta = -1;

  constructor(
    private readonly bytes: Buffer,
    private readonly baseOffset: number,
    private readonly maxDelta: number,
  ) {}

  readAll(count: number): DecodedRecord[] {
    const records: DecodedRecord[] = [];
    for (let index = 0; index < count; index++) records.push(this.readRecord());
    if (this.at !== this.bytes.length) throw malformed();
    return records;
  }

  private readRecord(): DecodedRecord {
    this.end = this.bytes.length;
    const length = this.readVarint();
    if (length < 0 || length > this.bytes.length - this.at) throw malformed();
    this.end = this.at + length;
    // Attributes, which no version uses, and the difference to the batch's first timestamp, which this service does not
    // use.
    this.skip(1);
    this.skipVarlong();
    const delta = this.readVarint();
    // Compaction leaves gaps, so offsets may skip.
    if (delta <= this.lastDelta || delta > this.maxDelta) throw malformed();
    this.lastDelta = delta;
    const key = this.readBytes();
    const value = this.readBytes();
    const headers = this.readHeaders();
    if (this.at !== this.end) throw malformed();
    return { offset: this.baseOffset + delta, key, value, headers };
  }

  private readHeaders(): Record<string, Buffer | null> {
    const count = this.readVarint();
    if (count < 0) throw malformed();
    if (count === 0) return {};
    const headers: [string, Buffer | null][] = [];
    for (let index = 0; index < count; index++) {
      const name = this.readBytes();
      if (name === null) throw malformed();
      headers.push([name.toString(), this.readBytes()]);
    }
    // An assignment would fail for a header that is called __proto__.
    return Object.fromEntries(headers);
  }

  private readBytes(): Buffer | null {
    const length = this.readVarint();
    if (length === -1) return null;
    if (length < 0) throw malformed();
    const from = this.at;
    this.skip(length);
    return this.bytes.subarray(from, this.at);
  }

  private skip(length: number): void {
    if (length > this.end - this.at) throw malformed();
    this.at += length;
  }

  /** Zigzag, of 32 bits. */
  private readVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.readByte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
    throw malformed();
  }

  private skipVarlong(): void {
    for (let read = 0; read < 10; read++) if (this.readByte() < 0x80) return;
    throw malformed();
  }

  private readByte(): number {
    if (this.at >= this.end) throw malformed();
    return this.bytes[this.at++] as number;
  }
}

function malformed(): UnreadableBatchError {
  return new UnreadableBatchError('its records are malformed');
}
