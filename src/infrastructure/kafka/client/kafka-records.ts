import { type Batch } from 'kafkajs';
import { type LogRecord } from '../../../ports/log/claim-log.js';
import { type FetchedMessage } from './fetched-batches.js';

const NO_BYTES = new Uint8Array();

/** The records of a batch that kafkajs hands to its consumer. `readFetchedBatchesStrictly` has made its messages. */
export function recordsOf({ topic, partition, messages }: Batch): LogRecord[] {
  const fetched = messages as unknown as readonly FetchedMessage[];
  return fetched.map((message) => toLogRecord(topic, partition, message));
}

/**
 * Decodes nothing: a message of another client must arrive as it is. A batch that cannot be read is one record, at the
 * first offset of the batch.
 */
export function toLogRecord(topic: string, partition: number, message: FetchedMessage): LogRecord {
  const { offset, key, value, headers, unreadable } = message;
  const record = { topic, partition, offset: Number(offset), key, value, headers: toHeaders(headers) };
  if (unreadable === undefined) return record;
  return { ...record, offset: unreadable.firstOffset, unreadable: unreadable.reason };
}

function toHeaders(headers: FetchedMessage['headers']): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value ?? NO_BYTES]));
}
