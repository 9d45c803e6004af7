import { type OnApplicationBootstrap, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type KafkaConfig } from '../../platform/config/config-parts.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { systemTimers, type Timers } from '../../platform/flow/timers.js';
import { type KeyRing, KEYS_CACHED_MS } from '../../ports/database/key-ring.js';
import {
  type Authorship,
  ClaimLog,
  type LogDescription,
  type LogOffsets,
  type LogRecord,
  type OutgoingClaim,
} from '../../ports/log/claim-log.js';
import { KafkaConnection } from './client/kafka-connection.js';
import { authorsOf } from './event-authors.js';
import { ForeignInstallationError, type InstallationCheck } from './installation-check.js';
import { KafkaLogReader } from './kafka-log-reader.js';
import { KafkaPublisher, type PublisherLimits } from './kafka-publisher.js';
import { TopicCheck } from './topic-check.js';

/** How a process uses the log. */
export interface KafkaClaimLogOptions {
  /** False where the process publishes nothing: it then keeps no connection for that. */
  readonly publishes?: boolean;
  /** False where an unusable topic does not stop the start: a worker has to read the claims on it all the same. */
  readonly requiresTopic?: boolean;
  readonly limits?: Partial<PublisherLimits>;
  readonly topicCheck?: TopicCheck;
  readonly installationCheck?: InstallationCheck;
  readonly timers?: Timers;
}

/** How long a start waits for a broker, ms. The process joins a broker that is away later. */
const FIRST_CHECK = { openMs: 2_000, requestMs: 2_000 };

/**
 * The claim log of the distributed profile: a topic of Kafka. A claim is acknowledged when every in-sync replica has it.
 * Whoever may write to the topic must not be able to make coupons, so each event is signed.
 *
 * A broker that is away stops no start: the process publishes as soon as one answers.
 */
export class KafkaClaimLog extends ClaimLog implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly topicCheck: TopicCheck;
  private readonly publisher: KafkaPublisher;
  private readonly reader: KafkaLogReader;
  /** A process that takes no claims for a while knows the key that signs all the same. */
  private readonly keyReads: PeriodicTask;

  constructor(
    private readonly config: KafkaConfig,
    private readonly keys: KeyRing,
    private readonly options: KafkaClaimLogOptions = {},
  ) {
    super();
    this.topicCheck = options.topicCheck ?? new TopicCheck();
    this.publisher = new KafkaPublisher(config, keys, this.topicCheck, options.limits);
    this.reader = new KafkaLogReader(config);
    // While the database is away, the health of the process tells of it.
    const readKeys = (): Promise<void> => keys.readAgain().catch(() => undefined);
    this.keyReads = new PeriodicTask(options.timers ?? systemTimers, KEYS_CACHED_MS, readKeys);
  }

  /**
   * Does not wait for a broker that is away.
   * @throws StartupError when a broker answers, no claim may be put on its topic, and the process takes claims.
   */
  async onModuleInit(): Promise<void> {
    const unusable = await this.withConnection((connection) => this.topicCheck.check(connection)).catch(() => null);
    if (unusable !== null && this.options.requiresTopic !== false) throw new StartupError(unusable.message);
    if (this.options.publishes !== false) this.publisher.connect();
  }

  /**
   * After `onModuleInit` of every adapter: the database is migrated by then, where it answers. A server that is away stops
   * no start. Then the consumer looks before it joins the group.
   * @throws StartupError when another installation is seen to use the topic or the group.
   */
  async onApplicationBootstrap(): Promise<void> {
    await this.keys.refresh().catch(() => undefined);
    const { installationCheck, publishes } = this.options;
    if (installationCheck !== undefined) {
      try {
        await this.withConnection((connection) => installationCheck.check(connection));
      } catch (error) {
        // mutant: unchecked-neighbours
        if (error instanceof ForeignInstallationError) throw new StartupError(error.message);
      }
    }
    if (publishes !== false) this.keyReads.start();
  }

  /** Nest calls this after the HTTP server and the consumer have ended. What is still under way is rejected. */
  onApplicationShutdown(): void {
    void this.keyReads.stop();
    this.publisher.close();
    this.reader.close();
  }

  get away(): boolean {
    return this.publisher.away;
  }

  get full(): boolean {
    return this.publisher.full;
  }

  override get signed(): boolean {
    return true;
  }

  publish(event: OutgoingClaim): Promise<void> {
    return this.publisher.publish(event);
  }

  endOffsets(): Promise<LogOffsets> {
    return this.reader.endOffsets();
  }

  startOffsets(): Promise<LogOffsets> {
    return this.reader.startOffsets();
  }

  committedOffsets(): Promise<LogOffsets> {
    return this.reader.committedOffsets();
  }

  read(from: LogOffsets, to: LogOffsets): AsyncIterable<readonly LogRecord[]> {
    return this.reader.read(from, to);
  }

  override authorsOf(records: readonly LogRecord[]): Promise<readonly Authorship[]> {
    return authorsOf(records, this.keys);
  }

  override describe(): Promise<LogDescription> {
    return this.reader.describe();
  }

  override logId(): Promise<string | null> {
    return this.reader.topicId();
  }

  drain(): Promise<void> {
    return this.publisher.drain();
  }

  private async withConnection<T>(work: (connection: KafkaConnection) => Promise<T>): Promise<T> {
    const connection = await KafkaConnection.open(this.config, FIRST_CHECK);
    try {
      return await work(connection);
    } finally {
      connection.destroy();
    }
  }
}
