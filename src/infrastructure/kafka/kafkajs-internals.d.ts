// The parts of kafkajs 2.2.4 that it uses itself but does not export (docs/adr/0012). Only what is called here is declared.

declare module 'kafkajs/src/cluster/index.js' {
  interface InternalBroker {
    readonly nodeId: number | string;
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
    produce(request: {
      acks: -1;
      timeout: number;
      topicData: readonly {
        topic: string;
        partitions: readonly {
          partition: number;
          firstSequence: number;
          messages: readonly { key: string; value: string }[];
        }[];
      }[];
    }): Promise<unknown>;
    fetch(request: {
      isolationLevel: 0 | 1;
      maxWaitTime: number;
      minBytes: number;
      maxBytes: number;
      topics: readonly {
        topic: string;
        partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[];
      }[];
    }): Promise<{ responses: { partitions: { highWatermark: string; messages: InternalMessage[] }[] }[] }>;
    offsetFetch(request: {
      groupId: string;
      topics: readonly { topic: string; partitions: readonly { partition: number }[] }[];
    }): Promise<{ responses: { partitions: { partition: number; offset: string }[] }[] }>;
  }

  interface InternalMessage {
    readonly offset: string;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: Record<string, unknown>;
    readonly isControlRecord?: boolean;
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
    disconnect(): Promise<void>;
    refreshMetadata(): Promise<void>;
    getNodeIds(): string[];
    findBroker(node: { nodeId: number | string }): Promise<InternalBroker>;
    findControllerBroker(): Promise<InternalBroker>;
    findGroupCoordinator(group: { groupId: string }): Promise<InternalBroker>;
    findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
    fetchTopicsOffset(
      topics: readonly { topic: string; partitions: readonly { partition: number }[]; fromBeginning: boolean }[],
    ): Promise<{ partitions: { partition: number; offset: string }[] }[]>;
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
