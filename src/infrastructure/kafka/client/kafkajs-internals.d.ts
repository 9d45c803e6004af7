// The parts of kafkajs 2.2.4 that it uses itself but does not export (docs/adr/0012). Only what is called here is declared.

declare module 'kafkajs/src/cluster/index.js' {
  import type Encoder from 'kafkajs/src/protocol/encoder.js';
  import type { RequestDefinition } from 'kafkajs/src/protocol/requests/index.js';

  interface ProtocolRequest {
    readonly request: {
      readonly apiKey?: number;
      readonly apiName?: string;
      readonly apiVersion: number;
      readonly encode: () => Promise<Encoder>;
    };
    readonly response: unknown;
  }

  interface InternalBroker {
    listOffsets(request: {
      isolationLevel: 0 | 1;
      topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: number }[] }[];
    }): Promise<unknown>;
    createTopics(request: {
      topics: readonly {
        topic: string;
        numPartitions: number;
        replicationFactor: number;
        configEntries: readonly { name: string; value: string }[];
      }[];
      timeout: number;
    }): Promise<unknown>;
    describeConfigs(request: { resources: readonly { type: number; name: string }[] }): Promise<{
      resources: { configEntries: { configName: string; configValue: string | null }[] }[];
    }>;
    /** What makes requests of this kind in the version that both sides speak. */
    lookupRequest<Fields>(apiKey: number, definition: RequestDefinition<Fields>): (fields: Fields) => ProtocolRequest;
    readonly connectionPool: { send(request: ProtocolRequest): Promise<unknown> };
    fetch(request: {
      isolationLevel: 0 | 1;
      maxWaitTime: number;
      minBytes: number;
      maxBytes: number;
      topics: readonly {
        topic: string;
        partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[];
      }[];
    }): Promise<{
      responses: {
        partitions: { messages: import('./fetched-batches.js').FetchedMessage[] }[];
      }[];
    }>;
    readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
    describeGroups(request: { groupIds: readonly string[] }): Promise<{
      groups: { members: { clientId: string }[] }[];
    }>;
    offsetFetch(request: {
      groupId: string;
      topics: readonly { topic: string; partitions: readonly { partition: number }[] }[];
    }): Promise<{ responses: { partitions: { partition: number; offset: string }[] }[] }>;
  }

  export default class Cluster {
    constructor(options: {
      brokers: readonly string[];
      clientId: string;
      ssl: unknown;
      sasl?: unknown;
      socketFactory: unknown;
      connectionTimeout: number;
      authenticationTimeout: number;
      requestTimeout: number;
      metadataMaxAge: number;
      retry: { retries: number };
      allowAutoTopicCreation: boolean;
      maxInFlightRequests: number | null;
      isolationLevel: 0 | 1;
      logger: unknown;
    });
    readonly targetTopics: Set<string>;
    connect(): Promise<void>;
    refreshMetadata(): Promise<void>;
    getNodeIds(): string[];
    findBroker(node: { nodeId: number | string }): Promise<InternalBroker>;
    findControllerBroker(): Promise<InternalBroker>;
    findGroupCoordinator(group: { groupId: string }): Promise<InternalBroker>;
    findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number; replicas: number[] }[];
    readonly brokerPool: { findConnectedBroker(): Promise<InternalBroker> };
    fetchTopicsOffset(
      topics: readonly { topic: string; partitions: readonly { partition: number }[]; fromBeginning: boolean }[],
    ): Promise<{ partitions: { partition: number; offset: string }[] }[]>;
  }
}

declare module 'kafkajs/src/consumer/runner.js' {
  export default class Runner {
    running: boolean;
    fetch(nodeId: number | string): Promise<unknown[]>;
  }
}

declare module 'kafkajs/src/loggers/index.js' {
  const loggers: { createLogger(options: { level: number; logCreator: unknown }): unknown };
  export default loggers;
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: unknown[];
    throttledUntil: number;
    throttleCheckTimeoutId: NodeJS.Timeout | null;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
  }
}

declare module 'kafkajs/src/protocol/requests/index.js' {
  interface RequestDefinition<Fields, Made = unknown> {
    readonly versions: readonly string[];
    readonly protocol: (choice: { version: number }) => (fields: Fields) => Made;
  }
  const protocol: {
    readonly requests: {
      readonly Produce: RequestDefinition<{ acks: -1; timeout: number; topicData: readonly never[] }>;
      /** Asked for with every fetch. */
      Fetch: RequestDefinition<
        {
          readonly topics: readonly {
            readonly topic: string;
            readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[];
          }[];
        },
        { readonly response: { readonly decode: (answer: Buffer) => Promise<object>; readonly parse: unknown } }
      >;
    };
  };
  export default protocol;
}

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    constructor(initialSize: number);
    readonly buffer: Buffer;
    writeInt16(value: number): this;
    writeInt32(value: number): this;
    writeString(value: string | null): this;
    writeBytes(value: Buffer): this;
    /** As it is, without a length. */
    writeBufferInternal(value: Buffer): void;
  }
}

declare module 'kafkajs/src/protocol/recordBatch/crc32C/index.js' {
  export default function crc32C(bytes: Buffer): number;
}

declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(bytes: Buffer);
    readonly offset: number;
    readInt16(): number;
    readInt32(): number;
    readInt64(): { toString(): string };
    readString(): string | null;
    /** Strings of the flexible versions. */
    readUVarIntString(): string | null;
    readUVarInt(): number;
    readTaggedFields(): object | null;
    /** null where the length says so. */
    readBytes(): Buffer | null;
    readArray<T>(read: () => T): T[];
    readArrayAsync<T>(read: () => Promise<T>): Promise<T[]>;
    forward(bytes: number): void;
  }
}

declare module 'kafkajs/src/protocol/recordBatch/v0/decoder.js' {
  export default function decodeRecordBatch(decoder: unknown): Promise<Record<string, unknown>>;
}

declare module 'kafkajs/src/protocol/error.js' {
  import { type KafkaJSError } from 'kafkajs';

  const errors: { readonly createErrorFromCode: (code: number) => KafkaJSError };
  export default errors;
}

declare module 'kafkajs/src/errors.js' {
  import { type KafkaJSError } from 'kafkajs';

  const errors: { readonly KafkaJSError: typeof KafkaJSError };
  export default errors;
}
