import {
  type DecodedBatch,
  decodeRecordBatch,
  hasRightChecksum,
  UnreadableBatchError,
} from './record-batch-decoder.js';
import {
  BASE_OFFSET_AT,
  COUNT_AT,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LENGTH_AT,
  MAGIC,
  MAGIC_AT,
  RECORDS_AT,
} from './record-batch-layout.js';

/** A message in the form that kafkajs passes on. */
export interface FetchedMessage {
  /** Decimal. For a batch that cannot be read, its last offset: to settle that one settles the whole batch. */
  readonly offset: string;
  readonly key: Buffer | null;
  /** For a batch that cannot be read, the bytes of the batch. */
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | null>>;
  /** True for an entry that is no message: kafkajs keeps it from handlers and skips its offset. */
  readonly isControlRecord: boolean;
  /** kafkajs finds aborted transactions by it. */
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
  readonly unreadable?: UnreadableBatch;
}

/** What is known of a batch that cannot be read. */
export interface UnreadableBatch {
  readonly firstOffset: number;
  readonly reason: string;
}

/** What is known of the partition that the bytes come from. */
export interface FetchedRange {
  /** The offset that was asked for. */
  readonly from: number;
  /**
   * The offset after the last message at the time when the broker began to read. Claims that were acknowledged later
   * may be in the same answer, at this offset and above.
   */
  readonly highWatermark: number;
  /** True when the first batch must be whole: a broker sends at least one whole batch, of any size. */
  readonly beginsWhole: boolean;
}

/**
 * How much memory the messages of one answer may take, bytes. An uncompressed answer has at most 10 MB and stays below.
 * A compressed one can hold a thousand times its size: the rest is fetched again.
 */
export class MemoryBudget {
  private left = 32 * 1_024 * 1_024;

  get spent(): boolean {
    return this.left <= 0;
  }

  spend({ bytes, records }: DecodedBatch): void {
    this.left -= bytes + records.length * RECORD_BYTES;
  }
}

/** Memory of one record as an object, at least. */
const RECORD_BYTES = 100;
/** Base offset and length. */
const FRAME_BYTES = LEADER_EPOCH_AT;
/** The shortest message of the formats before record batches, without its frame. */
const SHORTEST = 14;
const NOTHING = {
  key: null,
  value: null,
  headers: {},
  isControlRecord: false,
  batchContext: { producerId: '-1', inTransaction: false },
};

/**
 * Decodes what a broker has sent of one partition: batch after batch, the last one mostly cut off.
 *
 * A batch that cannot be read becomes one message that says so, at its place among the others. The content of a batch
 * never makes this throw: kafkajs would fetch it again without end, or crash.
 */
export async function decodeFetchedBatches(
  bytes: Buffer,
  { from, highWatermark, beginsWhole }: FetchedRange,
  budget: MemoryBudget,
): Promise<FetchedMessage[]> {
  const messages: FetchedMessage[] = [];
  let next = from;
  for (let at = 0; bytes.length - at >= FRAME_BYTES && !budget.spent;) {
    const first = Number(bytes.readBigInt64BE(at + BASE_OFFSET_AT));
    const length = bytes.readInt32BE(at + LENGTH_AT);
    const end = at + FRAME_BYTES + length;
    const isCutOff = end > bytes.length;
    if (isCutOff && !(beginsWhole && at === 0)) break;
    // The checksum does not cover the first offset. An offset that follows the batch before is right, also above the
    // high watermark.
    const isBeyondEnd = first >= highWatermark && first !== next;
    if (isCutOff || length < SHORTEST || first < 0 || isBeyondEnd) {
      // The end of this batch is not known. So only this offset is given up, and the next fetch begins after it.
      messages.push(unreadable(bytes.subarray(at), next, next, 'the batch has a damaged frame'));
      break;
    }
    const batch = bytes.subarray(at, end);
    let last: number;
    try {
      const decoded = await decodeRecordBatch(batch);
      budget.spend(decoded);
      last = decoded.lastOffset;
      addMessages(messages, decoded);
    } catch (error) {
      if (!(error instanceof UnreadableBatchError)) throw error;
      const following = bytes.length - end >= FRAME_BYTES ? Number(bytes.readBigInt64BE(end + BASE_OFFSET_AT)) : null;
      last = Math.max(next, Math.min(lastOffsetOf(batch, first, following), highWatermark - 1));
      messages.push(unreadable(batch, first, last, error.message));
    }
    next = Math.max(next, last + 1);
    at = end;
  }
  return messages;
}

function addMessages(messages: FetchedMessage[], batch: DecodedBatch): void {
  const { records, isControl, lastOffset } = batch;
  const batchContext = { producerId: `${batch.producerId}`, inTransaction: batch.isTransactional };
  for (const { offset, key, value, headers } of records) {
    messages.push({ offset: `${offset}`, key, value, headers, isControlRecord: isControl, batchContext });
  }
  // Compaction may have removed the end of a batch. Without this, kafkajs would repeat a fetch that brings nothing
  // else, without end.
  if (records.at(-1)?.offset !== lastOffset) {
    messages.push({ ...NOTHING, offset: `${lastOffset}`, isControlRecord: true, batchContext });
  }
}

function unreadable(batch: Buffer, firstOffset: number, lastOffset: number, why: string): FetchedMessage {
  const reason = `offsets ${firstOffset} to ${lastOffset}: ${why}`;
  return { ...NOTHING, offset: `${lastOffset}`, value: batch, unreadable: { firstOffset, reason } };
}

/**
 * The last offset of a batch that cannot be read. Its header may be the damaged part, so the result never reaches into
 * the batches after it, which are good.
 *
 * @param following the base offset of the next batch, where that is there.
 */
function lastOffsetOf(batch: Buffer, first: number, following: number | null): number {
  const declared = declaredLastOffset(batch, first);
  if (following === null || following <= first) return declared ?? first;
  return Math.min(declared ?? Infinity, following - 1);
}

/** What the header says, when it can be believed. */
function declaredLastOffset(batch: Buffer, first: number): number | null {
  if (batch.readInt8(MAGIC_AT) !== MAGIC || batch.length < RECORDS_AT) return null;
  const delta = batch.readInt32BE(LAST_OFFSET_DELTA_AT);
  // Without compaction two fields say the same. Damage to one of them leaves the other.
  const isConsistent = delta >= 0 && delta === batch.readInt32BE(COUNT_AT) - 1;
  return isConsistent || (delta >= 0 && hasRightChecksum(batch)) ? first + delta : null;
}
