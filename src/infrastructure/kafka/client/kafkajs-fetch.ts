import Decoder from 'kafkajs/src/protocol/decoder.js';
import protocol from 'kafkajs/src/protocol/requests/index.js';
import { decodeFetchedBatches, type FetchedMessage, MemoryBudget } from './fetched-batches.js';

/** Every Kafka since 2.3 knows this version, and kafkajs knows no newer one. */
const VERSION = 11;

/** The fields of the request that the answer does not repeat. */
interface FetchFields {
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[];
  }[];
}

interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: string;
  readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[];
  readonly preferredReadReplica: number;
  readonly messages: FetchedMessage[];
}

/**
 * kafkajs 2.2.4 reads no snappy, lz4 or zstd, and what it throws for such a batch ends the consumer for good. From
 * other broken batches it makes wrong records (ADR 29). So this service decodes the answer to a fetch itself, for
 * kafkajs's consumer and for the rebuild alike. kafkajs still makes the request and checks the error codes.
 */
export function readFetchedBatchesStrictly(): void {
  const { Fetch } = protocol.requests;
  protocol.requests.Fetch = {
    versions: [`${VERSION}`],
    protocol: ({ version }) => {
      if (version !== VERSION) throw new Error('the broker is older than Kafka 2.3');
      const fetch = Fetch.protocol({ version });
      return (fields) => {
        const made = fetch(fields);
        const decode = (answer: Buffer) => decodeAnswer(answer, fields);
        return { ...made, response: { ...made.response, decode } };
      };
    },
  };
}

async function decodeAnswer(answer: Buffer, fields: FetchFields): Promise<object> {
  const offsets = new Map(
    fields.topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, fetchOffset }) => [`${topic}:${partition}`, Number(fetchOffset)] as const),
    ),
  );
  const budget = new MemoryBudget();
  const decoder = new Decoder(answer);
  const clientSideThrottleTime = decoder.readInt32();
  const errorCode = decoder.readInt16();
  const sessionId = decoder.readInt32();
  let isFirst = true;
  const responses = await decoder.readArrayAsync(async () => {
    const topicName = decoder.readString();
    const partitions = await decoder.readArrayAsync(async (): Promise<FetchedPartition> => {
      const partition = decoder.readInt32();
      const errorCode = decoder.readInt16();
      const highWatermark = decoder.readInt64().toString();
      // The last stable offset and the log's start are not used.
      decoder.forward(16);
      const abortedTransactions = decoder.readArray(() => ({
        producerId: decoder.readInt64().toString(),
        firstOffset: decoder.readInt64().toString(),
      }));
      const preferredReadReplica = decoder.readInt32();
      const bytes = decoder.readBytes() ?? Buffer.alloc(0);
      const from = offsets.get(`${topicName}:${partition}`) ?? 0;
      const range = { from, highWatermark: Number(highWatermark), beginsWhole: isFirst };
      if (bytes.length > 0) isFirst = false;
      const messages = await decodeFetchedBatches(bytes, range, budget);
      return { partition, errorCode, highWatermark, abortedTransactions, preferredReadReplica, messages };
    });
    return { topicName, partitions };
  });
  // The broker has not delayed the answer. It asks the client to wait.
  return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
}
