import { type Consumer, Kafka } from 'kafkajs';
import { type KafkaConfig } from '../../platform/config/env.js';
import { connectionOptions, LOG_LEVEL, logCreator } from './client/kafkajs-options.js';
import { Sockets } from './client/sockets.js';

const CONNECTION_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 8_000;
/** How long a fetch waits for messages. While all partitions of a broker rest, kafkajs sleeps for as long. */
const FETCH_WAIT_MS = 500;
/**
 * Of one partition in one fetch: about five chunks, the last of which is seldom a full one. kafkajs holds what it has
 * fetched of all partitions while one of them is worked on, ten times as large as objects; with its 1 MB a backlog takes
 * more than a GB, with this a quarter of one.
 */
const FETCH_BYTES = 512 * 1_024;
/** How often new partitions are looked for. */
const METADATA_MAX_AGE_MS = 60_000;
/** What kafkajs tries with the consumer that it has; after that a new one is made. */
const RETRY = { retries: 5, initialRetryTime: 200, maxRetryTime: 1_000 };

/** Of a consumer in its group, ms. */
export interface SessionTimes {
  /** Without a heartbeat for so long, a consumer's partitions go to the others. */
  readonly sessionMs: number;
  /** How long a consumer has in a rebalance to end its chunk and come back. */
  readonly rebalanceMs: number;
  readonly heartbeatMs: number;
}

/** Ends when the group takes the partitions away; what was fetched before that is worked on no further. */
export class Generation {
  revoked = false;
  /** What the coordinator said; kafkajs joins again when it is thrown to it. */
  reason: unknown = null;
  /** Monotonic, ms. */
  lastBeat = performance.now();

  constructor(readonly partitions: readonly number[] = []) {}

  revoke(reason: unknown): void {
    this.revoked = true;
    this.reason ??= reason;
  }
}

/** One consumer of kafkajs, from its making to its end. It is not mended: after a crash a new one is made. */
export class ConsumerSession {
  readonly client: Kafka;
  readonly consumer: Consumer;
  generation = new Generation();
  /** kafkajs thinks that the crash is one after which it would go on. */
  mayGoOn = false;
  readonly lost: Promise<Error>;
  private readonly sockets = new Sockets();
  private readonly resting = new Set<NodeJS.Timeout>();
  private declareLost: (error: Error) => void = () => undefined;

  constructor(config: KafkaConfig, { sessionMs, rebalanceMs, heartbeatMs }: SessionTimes) {
    this.lost = new Promise((resolve) => (this.declareLost = resolve));
    this.client = new Kafka({
      ...connectionOptions(config, this.sockets),
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
      // As the rebuild reads: nobody here writes transactions, and one that others left open must not hold us up.
      readUncommitted: true,
      retry: {
        ...RETRY,
        // Asked only about errors after which going on makes sense. We do, but with a new consumer.
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

  /** The partition that `pause` stops is fetched again after `ms`. */
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
