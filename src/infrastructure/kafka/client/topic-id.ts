import { type InternalBroker, type ProtocolRequest } from 'kafkajs/src/cluster/index.js';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import protocolErrors from 'kafkajs/src/protocol/error.js';

const METADATA = 3;
/** The first version with topic ids; Kafka knows it since 2.8, and kafkajs knows none above 6. */
const VERSION = 10;
const UUID_BYTES = 16;
const NO_ID = Buffer.alloc(UUID_BYTES);
const NO_TAGS = 0;

export function speaksTopicIds({ versions }: InternalBroker): boolean {
  return (versions?.[METADATA]?.maxVersion ?? 0) >= VERSION;
}

/**
 * Asks for the metadata of one topic, in a version that kafkajs does not speak. Its answer is the topic's id as a UUID
 * in hexadecimal digits, or null.
 */
export function topicIdRequest(topic: string): ProtocolRequest {
  return {
    request: {
      apiKey: METADATA,
      apiName: 'Metadata',
      apiVersion: VERSION,
      encode: () => Promise.resolve(encode(topic)),
    },
    response: { decode: (answer: Buffer) => Promise.resolve(decode(answer)), parse: (found: Found) => parse(found) },
  };
}

interface Found {
  readonly errorCode: number;
  readonly id: Buffer;
}

function encode(topic: string): Encoder {
  const name = Buffer.from(topic);
  const bytes = Buffer.concat([
    // The header of a flexible version ends with its tags, which kafkajs does not write.
    Buffer.from([NO_TAGS]),
    // One topic, by its name. The length of an array is written as one more, and so is that of a string.
    Buffer.from([2]),
    NO_ID,
    uvarint(name.length + 1),
    name,
    Buffer.from([NO_TAGS]),
    // Create no topic; tell neither what may be done to the cluster nor to the topic.
    Buffer.from([0, 0, 0]),
    Buffer.from([NO_TAGS]),
  ]);
  const encoder = new Encoder(bytes.length);
  encoder.writeBufferInternal(bytes);
  return encoder;
}

/** A topic's name has 249 characters at most, so two bytes are enough. */
function uvarint(value: number): Buffer {
  return value < 0x80 ? Buffer.from([value]) : Buffer.from([(value & 0x7f) | 0x80, value >>> 7]);
}

function decode(answer: Buffer): Found {
  const decoder = new Decoder(answer);
  // The tags of the header.
  decoder.readTaggedFields();
  // throttle_time_ms
  decoder.readInt32();
  for (let brokers = decoder.readUVarInt() - 1; brokers > 0; brokers--) {
    decoder.readInt32();
    decoder.readUVarIntString();
    decoder.readInt32();
    decoder.readUVarIntString();
    decoder.readTaggedFields();
  }
  // cluster_id, controller_id
  decoder.readUVarIntString();
  decoder.readInt32();
  // One topic.
  decoder.readUVarInt();
  const errorCode = decoder.readInt16();
  decoder.readUVarIntString();
  const id = answer.subarray(decoder.offset, decoder.offset + UUID_BYTES);
  return { errorCode, id };
}

function parse({ errorCode, id }: Found): string | null {
  if (errorCode !== 0) throw protocolErrors.createErrorFromCode(errorCode);
  return id.equals(NO_ID) ? null : id.toString('hex');
}
