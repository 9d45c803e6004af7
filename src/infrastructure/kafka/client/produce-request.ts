import { type InternalBroker, type ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import protocol from 'kafkajs/src/protocol/requests/index.js';
import { encodeRecordBatch, type OutgoingRecord } from './record-batch.js';

const PRODUCE = 0;
const ALL_IN_SYNC = -1;
/** The first version with record batches. Its bytes stay the same in all later versions that kafkajs knows. */
const OLDEST_VERSION = 3;

/** Where the records go. */
export interface Destination {
  readonly topic: string;
  readonly partition: number;
}

/**
 * Makes kafkajs's produce request in the version that this broker speaks, around a batch of {@link encodeRecordBatch}.
 * kafkajs reads the answer.
 *
 * @param timeoutMs how long the broker waits for its replicas.
 */
export function produceRequest(
  broker: InternalBroker,
  { topic, partition }: Destination,
  records: readonly OutgoingRecord[],
  timeoutMs: number,
): ProtocolRequest {
  const produce = broker.lookupRequest(PRODUCE, protocol.requests.Produce);
  const { request, response } = produce({ acks: ALL_IN_SYNC, timeout: timeoutMs, topicData: [] });
  if (request.apiVersion < OLDEST_VERSION) throw new Error('the broker is older than Kafka 0.11');
  const batch = encodeRecordBatch(records, Date.now());
  const body = new Encoder(batch.length + 100)
    // No transaction.
    .writeString(null)
    .writeInt16(ALL_IN_SYNC)
    .writeInt32(timeoutMs)
    // One topic, one partition.
    .writeInt32(1)
    .writeString(topic)
    .writeInt32(1)
    .writeInt32(partition)
    .writeBytes(batch);
  return { request: { ...request, encode: () => Promise.resolve(body) }, response };
}
