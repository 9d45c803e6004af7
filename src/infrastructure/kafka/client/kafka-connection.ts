import Cluster from 'kafkajs/src/cluster/index.js';
import loggers from 'kafkajs/src/loggers/index.js';
import { type KafkaConfig } from '../../../platform/config/config-parts.js';
import { systemTimers } from '../../../platform/flow/timers.js';
import { withDeadline } from '../../../platform/flow/with-deadline.js';
import { type LogOffsets, type LogRecord } from '../../../ports/log/claim-log.js';
import { topicToCreate } from '../kafka-topic.js';
import { type TopicDescription } from '../topic-settings.js';
import { isPassing, protocolErrorType } from './kafka-errors.js';
import { toLogRecord } from './kafka-records.js';
import { connectionOptions, LOG_LEVEL, logCreator } from './kafkajs-options.js';
import { produceRequest } from './produce-request.js';
import { type OutgoingRecord } from './record-batch.js';
import { Sockets } from './sockets.js';
import { speaksTopicIds, topicIdRequest } from './topic-id.js';

/**
 * Reads what was written, not what was committed. This service writes no transactions, and an open one of another
 * client must not stop it.
 */
const READ_UNCOMMITTED = 0;
/** Asks for the end of a partition. */
const LATEST = -1;
const RETRY_MS = 100;
/** The protocol's number for a topic. */
const TOPIC_RESOURCE = 2;
/** How long a fetch waits for the first byte. What is fetched here is known to exist. */
const FETCH_WAIT_MS = 500;
/** Less than any batch: a broker sends one all the same. */
const ONE_RECORD_BYTES = 1;

export interface ConnectionTimeouts {
  /** Until the broker is connected, the topic exists and the leaders are known, ms. */
  readonly openMs: number;
  /** One request, ms. */
  readonly requestMs: number;
}

/** What one fetch has brought. */
export interface FetchedPage {
  readonly records: readonly LogRecord[];
  /** The offset after the last one that was looked at; the fetched offset itself when nothing was there. */
  readonly next: number;
}

/**
 * One connection to the brokers of the topic. It has exactly the requests that the claim log needs, and a limit for
 * each of them. It is never repaired: a caller that sees it fail destroys it and opens another one, with new sockets
 * and new metadata. A socket whose other end is gone can look alive for a quarter of an hour.
 *
 * It uses kafkajs below its public API (docs/adr/0012).
 */
export class KafkaConnection {
  private readonly sockets = new Sockets();
  private readonly cluster: Cluster;
  private readonly topic: string;

  private constructor(
    private readonly config: KafkaConfig,
    private readonly timeouts: ConnectionTimeouts,
  ) {
    this.topic = config.topic;
    this.cluster = new Cluster({
      ...connectionOptions(config, this.sockets),
      connectionTimeout: timeouts.requestMs,
      authenticationTimeout: timeouts.requestMs,
      requestTimeout: timeouts.requestMs,
      // The holder of the connection asks for new metadata itself.
      metadataMaxAge: 24 * 60 * 60 * 1_000,
      retry: { retries: 0 },
      // A broker would create the topic with its own number of partitions and replicas.
      allowAutoTopicCreation: false,
      maxInFlightRequests: null,
      isolationLevel: READ_UNCOMMITTED,
      logger: loggers.createLogger({ level: LOG_LEVEL, logCreator }),
    });
  }

  /**
   * Connects, and creates the topic when it is missing.
   *
   * @param attempt rotates the list of brokers. Otherwise a first broker that takes connections and never answers would
   * keep the others from being asked.
   */
  static async open(config: KafkaConfig, timeouts: ConnectionTimeouts, attempt = 0): Promise<KafkaConnection> {
    const { brokers } = config;
    const first = brokers.length === 0 ? 0 : attempt % brokers.length;
    const rotated = { ...config, brokers: [...brokers.slice(first), ...brokers.slice(0, first)] };
    const connection = new KafkaConnection(rotated, timeouts);
    try {
      await withDeadline(connection.begin(), timeouts.openMs, systemTimers);
      return connection;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  /** Ends everything at once. Requests that are under way reject. */
  destroy(): void {
    this.sockets.destroy();
  }

  /** Partition → the node that leads it; as it was when the connection was opened. */
  leaders(): Map<number, string> {
    const nodes = new Set(this.cluster.getNodeIds());
    const partitions = this.cluster.findTopicPartitionMetadata(this.topic);
    const led = partitions.filter(({ leader }) => nodes.has(`${leader}`));
    return new Map(led.map(({ partitionId, leader }) => [partitionId, `${leader}`]));
  }

  partitions(): number[] {
    return this.cluster.findTopicPartitionMetadata(this.topic).map(({ partitionId }) => partitionId);
  }

  /** Asks a broker that is connected already. */
  async describeTopic(): Promise<TopicDescription> {
    const ask = async () => {
      const broker = await this.cluster.brokerPool.findConnectedBroker();
      return broker.describeConfigs({ resources: [{ type: TOPIC_RESOURCE, name: this.topic }] });
    };
    const { resources } = await withDeadline(ask(), this.timeouts.requestMs, systemTimers);
    const entries = resources[0]?.configEntries ?? [];
    const partitions = this.cluster.findTopicPartitionMetadata(this.topic);
    return {
      topic: this.topic,
      replicas: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      settings: new Map(entries.flatMap(({ configName: name, configValue: value }) => (value ? [[name, value]] : []))),
    };
  }

  /**
   * Resolves when this node answers as the leader of these partitions. An accepted connection proves nothing: the
   * kernel accepts it for a stopped process, too. Metadata proves nothing either: right after an election it is ahead
   * of the leader.
   */
  async ping(node: string, partitions: readonly number[]): Promise<void> {
    const broker = await withDeadline(this.cluster.findBroker({ nodeId: node }), this.timeouts.requestMs, systemTimers);
    const latest = partitions.map((partition) => ({ partition, timestamp: LATEST }));
    const topics = [{ topic: this.topic, partitions: latest }];
    await withDeadline(
      broker.listOffsets({ isolationLevel: READ_UNCOMMITTED, topics }),
      this.timeouts.requestMs,
      systemTimers,
    );
  }

  /**
   * Connects to the leader within `connectMs`, and returns a function that sends a batch to it. When this call rejects,
   * nothing was sent. So a caller knows whether an error came before or after the first byte.
   */
  async producer(
    partition: number,
    node: string,
    connectMs: number,
  ): Promise<(messages: readonly OutgoingRecord[], ms: number) => Promise<void>> {
    const broker = await withDeadline(this.cluster.findBroker({ nodeId: node }), connectMs, systemTimers);
    return async (messages, ms) => {
      const request = produceRequest(broker, { topic: this.topic, partition }, messages, ms);
      await withDeadline(broker.connectionPool.send(request), ms, systemTimers);
    };
  }

  /** One offset for each partition, or a rejection: a partition whose leader is away has no known offset. */
  async offsets(which: 'start' | 'end'): Promise<LogOffsets> {
    await this.refreshPartitions();
    const partitions = this.partitions().map((partition) => ({ partition }));
    const request = [{ topic: this.topic, partitions, fromBeginning: which === 'start' }];
    const [answer] = await withDeadline(this.cluster.fetchTopicsOffset(request), this.timeouts.requestMs, systemTimers);
    const offsets = new Map((answer?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]));
    if (offsets.size !== partitions.length) throw new Error('the brokers did not tell the offset of every partition');
    return offsets;
  }

  /** Leaves out partitions on which the group has never committed. */
  async committed(groupId: string): Promise<LogOffsets> {
    await this.refreshPartitions();
    const partitions = this.partitions().map((partition) => ({ partition }));
    const answer = await withDeadline(
      this.cluster
        .findGroupCoordinator({ groupId })
        .then((coordinator) => coordinator.offsetFetch({ groupId, topics: [{ topic: this.topic, partitions }] })),
      this.timeouts.requestMs,
      systemTimers,
    );
    const committed = (answer.responses[0]?.partitions ?? []).filter(({ offset }) => Number(offset) >= 0);
    return new Map(committed.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  /** The last record of each partition that has any. A transaction's marker is none. */
  async lastRecords(): Promise<LogRecord[]> {
    const [start, end] = [await this.offsets('start'), await this.offsets('end')];
    const lastOf = (partition: number) => (end.get(partition) ?? 0) - 1;
    const held = new Map<string, number[]>();
    for (const [partition, node] of this.leaders()) {
      if (lastOf(partition) < (start.get(partition) ?? 0)) continue;
      held.set(node, [...(held.get(node) ?? []), partition]);
    }
    const read = async (node: string, partition: number) =>
      (await this.fetch(partition, node, lastOf(partition), ONE_RECORD_BYTES)).records.slice(-1);
    const pages = [...held].map(async ([node, [first = 0, ...others]]) => {
      // kafkajs opens a socket for each fetch that finds none, so the first one goes alone.
      const page = await read(node, first);
      return [page, ...(await Promise.all(others.map((partition) => read(node, partition))))].flat();
    });
    return (await Promise.all(pages)).flat();
  }

  /** The client ids of the live members of a group. */
  async memberClientIds(groupId: string): Promise<string[]> {
    const answer = await withDeadline(
      this.cluster
        .findGroupCoordinator({ groupId })
        .then((coordinator) => coordinator.describeGroups({ groupIds: [groupId] })),
      this.timeouts.requestMs,
      systemTimers,
    );
    return answer.groups.flatMap(({ members }) => members.map(({ clientId }) => clientId));
  }

  /** The id that a topic keeps until it is deleted; null where the brokers have none. Made anew, it gets another one. */
  async topicId(): Promise<string | null> {
    const ask = async () => {
      const broker = await this.cluster.brokerPool.findConnectedBroker();
      return speaksTopicIds(broker) ? broker.connectionPool.send(topicIdRequest(this.topic)) : null;
    };
    return (await withDeadline(ask(), this.timeouts.requestMs, systemTimers)) as string | null;
  }

  /**
   * Reads from `offset` on: about `maxBytes` at most, but one record at least where there is one.
   * @throws the broker's OFFSET_OUT_OF_RANGE when the log does not hold this offset (any more).
   */
  async fetch(partition: number, node: string, offset: number, maxBytes: number): Promise<FetchedPage> {
    const broker = await withDeadline(this.cluster.findBroker({ nodeId: node }), this.timeouts.requestMs, systemTimers);
    const answer = await withDeadline(
      broker.fetch({
        isolationLevel: READ_UNCOMMITTED,
        maxWaitTime: FETCH_WAIT_MS,
        minBytes: 1,
        maxBytes,
        topics: [{ topic: this.topic, partitions: [{ partition, fetchOffset: `${offset}`, maxBytes }] }],
      }),
      this.timeouts.requestMs + FETCH_WAIT_MS,
      systemTimers,
    );
    const messages = answer.responses[0]?.partitions[0]?.messages ?? [];
    // A broker sends whole batches, also with records that lie before the wanted offset.
    const wanted = messages.filter((message) => Number(message.offset) >= offset);
    const last = wanted.at(-1);
    return {
      records: wanted
        .filter(({ isControlRecord }) => !isControlRecord)
        .map((message) => toLogRecord(this.topic, partition, message)),
      // When all records lie before `offset`, compaction has removed the record there: the batch spans the offset, or
      // the broker would have sent the next batch.
      next: last !== undefined ? Number(last.offset) + 1 : messages.length > 0 ? offset + 1 : offset,
    };
  }

  /**
   * An operator may add partitions at any time. A rebuild that does not know one of them would leave out its claims,
   * and the consumer would take these claims for later ones than the rebuild's cut.
   */
  private refreshPartitions(): Promise<void> {
    return withDeadline(this.cluster.refreshMetadata(), this.timeouts.requestMs, systemTimers);
  }

  private async begin(): Promise<void> {
    await this.cluster.connect();
    // This finds the brokers. kafkajs asks for the topic's own metadata only once it knows a controller.
    await this.cluster.refreshMetadata();
    this.cluster.targetTopics.add(this.topic);
    const deadline = performance.now() + this.timeouts.openMs;
    let created = false;
    for (;;) {
      try {
        return await this.cluster.refreshMetadata();
      } catch (error) {
        const missing = protocolErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION';
        if (!isPassing(error) || performance.now() > deadline) throw error;
        if (missing && !created) {
          await this.createTopic();
          created = true;
        }
      }
      await systemTimers.sleep(RETRY_MS);
    }
  }

  private async createTopic(): Promise<void> {
    try {
      const controller = await this.cluster.findControllerBroker();
      await controller.createTopics({ topics: [topicToCreate(this.config)], timeout: this.timeouts.requestMs });
    } catch (error) {
      // Another process was faster.
      if (protocolErrorType(error) !== 'TOPIC_ALREADY_EXISTS') throw error;
    }
  }
}
