import { type LogRecord } from '../../events/claim-log.js';

/** A message as kafkajs decodes it. */
export interface KafkajsMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, unknown>>;
}

/** Nothing is decoded here: a message that somebody else put there must arrive as it lies. */
export function toLogRecord(topic: string, partition: number, message: KafkajsMessage): LogRecord {
  const { offset, key, value, headers } = message;
  return { topic, partition, offset: Number(offset), key, value, headers: toHeaders(headers) };
}

/**
 * Of a header that is repeated the last value counts, as in Kafka's own clients. kafkajs collects repetitions in an array, and
 * in front of a header called `constructor` or `toString` it finds what every object has: anything but bytes is left out.
 */
function toHeaders(headers: KafkajsMessage['headers']): Record<string, Uint8Array> {
  const entries = Object.entries(headers ?? {});
  return Object.fromEntries(
    entries.map(([name, value]) => {
      const last: unknown = Array.isArray(value) ? value.at(-1) : value;
      return [name, last instanceof Uint8Array ? last : new Uint8Array()];
    }),
  );
}
