import { type Consumer, Kafka } from 'kafkajs';
import { type KafkaConfig } from '../../platform/config/config-parts.js';
import { connectionOptions, LOG_LEVEL, logCreator } from './client/kafkajs-options.js';
import { Sockets } from './client/sockets.js';

const CONNECTION_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 8_000;
/** How long a fetch waits for messages. While all partitions of a broker rest, kafkajs sleeps for the same time. */
const FETCH_WAIT_MS = 500;
/**
 * What one fetch brings of one partition, bytes: some 2,200 signed claims, which are three chunks (ADR 19). With less, the last
 * chunk is nearly empty, and a third of the speed is lost. While a handler works
 * on one partition, kafkajs keeps what it fetched of all others, as objects of ten times the size. With kafkajs's own 1
 * MB a backlog takes more than 1 GB of memory, with this value a quarter of that.
 */
const FETCH_BYTES = 672 * 1_024;
/** How often new partitions are looked for. */
const METADATA_MAX_AGE_MS = 60_000;
/** How often kafkajs tries again with one consumer. After that the server makes a new consumer. */
const RETRY = { retries: 5, initialRetryTime: 200, maxRetryTime: 1_000 };

/** The times of a consumer in its group, ms. */
export interface SessionTimes {
  /** After this long without a heartbeat, a consumer's partitions go to the others. */
  readonly sessionMs: number;
  /** How long a consumer has in a rebalance to end its chunk and come back. */
  readonly rebalanceMs: number;
  readonly heartbeatMs: number;
}

/**
 * The partitions of one join of the group. It ends when the group takes them away: what was fetched before that is no
 * longer worked on.
 */
export class Generation {
  revoked = false;
  /** The coordinator's error. kafkajs joins the group again when this is thrown to it. */
  reason: unknown = null;
  /** Monotonic, ms. */
  lastBeat = performance.now();

  constructor(readonly partitions: readonly number[] = []) {}

  revoke(reason: unknown): void {
    this.revoked = true;
    this.reason ??= reason;
  }
}

/**
 * One consumer of kafkajs, from its start to its end. It is never repaired: after a crash the server makes a new one.
 */
export class ConsumerSession {
  readonly client: Kafka;
  readonly consumer: Consumer;
  generation = new Generation();
  /** True when kafkajs itself would go on after the crash. */
  mayGoOn = false;
  readonly lost: Promise<Error>;
  private readonly sockets = new Sockets();
  private readonly resting = new Set<NodeJS.Timeout>();
  private declareLost: (error: Error) => void = () => undefined;

  /** @param clientId what the others in the group see of this consumer. */
  constructor(config: KafkaConfig, { sessionMs, rebalanceMs, heartbeatMs }: SessionTimes, clientId?: string) {
    this.lost = new Promise((resolve) => (this.declareLost = resolve));
    this.client = new Kafka({
      ...connectionOptions(config, this.sockets, clientId),
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      authenticationTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      retry: RETRY,
      logLevel: LOG_LEVEL,
      logCreator,
    });
    this.consumer = this.client.consumer({
      groupId: config.groupId,
      sessionTimeout: sessionMs,
      rebalanceTimeout: rebalanceMs,
      heartbeatInterval: Math.min(heartbeatMs, sessionMs / 3),
      maxWaitTimeInMs: FETCH_WAIT_MS,
      maxBytesPerPartition: FETCH_BYTES,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
      // The rebuild reads in the same way. This service writes no transactions, and one that another client left open
      // must not stop the consumer.
      readUncommitted: true,
      retry: {
        ...RETRY,
        // kafkajs asks only after errors that a consumer can survive. The server goes on then, but with a new consumer.
        restartOnFailure: () => {
          this.mayGoOn = true;
          return Promise.resolve(false);
        },
      },
    });
  }

  lose(error: Error): void {
    this.declareLost(error);
  }

  /** Stops fetching a partition by `pause`, and fetches it again after `ms`. */
  rest(pause: () => () => void, ms: number): void {
    const resume = pause();
    const timer = setTimeout(() => {
      this.resting.delete(timer);
      resume();
    }, ms);
    this.resting.add(timer);
  }

  end(): void {
    this.generation.revoke(new Error('the consumer has ended'));
    for (const timer of this.resting) clearTimeout(timer);
    this.resting.clear();
    this.sockets.destroy();
    this.lose(new Error('the consumer has ended'));
  }
}
