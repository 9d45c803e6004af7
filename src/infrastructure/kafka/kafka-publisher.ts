import { Logger } from '@nestjs/common';
import { holderKey } from '../../domain/claim.js';
import { PUBLISH_TIMEOUT_MS } from '../../domain/deadlines.js';
import { type KafkaConfig } from '../../platform/config/config-parts.js';
import { systemClock } from '../../platform/flow/clock.js';
import { LATE_BY_MS, NaturalBatcher } from '../../platform/flow/natural-batcher.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { inside, SpanKind } from '../../platform/tracing/sampled-span.js';
import { tracing } from '../../platform/tracing/tracing.js';
import { type InstallationKey } from '../../ports/database/installation-key-store.js';
import { type KeyRing } from '../../ports/database/key-ring.js';
import {
  ClaimLogFullError,
  ClaimLogUnavailableError,
  ClaimLogUnconfirmedError,
  type OutgoingClaim,
} from '../../ports/log/claim-log.js';
import { KafkaConnection } from './client/kafka-connection.js';
import { isRefusedBeforeAppend } from './client/kafka-errors.js';
import { eventText } from './event-text.js';
import { type TopicCheck, UnusableTopicError } from './topic-check.js';

/** How many claims a publisher holds, and for how long. */
export interface PublisherLimits {
  /** Claims in one batch. */
  readonly maxBatch: number;
  /** Claims that may wait for their batch; more are refused. */
  readonly maxWaiting: number;
  /** How long a claim may take in all, ms. */
  readonly publishMs: number;
  /** How long a batch may take, ms: less, because a claim also waits for its turn. */
  readonly produceMs: number;
  /** How often leaders, partitions and the topic's settings are looked up when nothing is wrong, ms. */
  readonly refreshMs: number;
}

const LIMITS: PublisherLimits = {
  // Even with the largest claims, a batch stays well below the 1 MB that a broker takes by default.
  maxBatch: 1_000,
  maxWaiting: 20_000,
  publishMs: PUBLISH_TIMEOUT_MS,
  produceMs: 500,
  refreshMs: 60_000,
};
const MAX_IN_FLIGHT = 2;
const OPEN_MS = 2_000;
/** Waits between attempts to find the broker, ms. The last value repeats. */
const PROBE_BACKOFF_MS = [100, 200, 400, 800, 1_000];

/** A partition that can be written to, and the node that leads it. */
interface Route {
  readonly partition: number;
  readonly node: string;
}

/**
 * Puts claims on the topic, in batches without a timer. Each batch goes to one partition, and every in-sync replica
 * acknowledges it. The partitions take turns. The publisher never sends a claim twice: a claim that failed becomes a
 * failed event.
 *
 * The publisher uses a partition while its leader answers. When a batch fails, the publisher stops using all partitions
 * of that leader at once. A probe, on a connection of its own, finds the leaders that answer. So one frozen broker of
 * three costs two batches. When no partition is left, the log is `away`.
 */
export class KafkaPublisher {
  private readonly logger = new Logger(KafkaPublisher.name);
  private readonly limits: PublisherLimits;
  private readonly batches: NaturalBatcher<OutgoingClaim>;
  private connection: KafkaConnection | null = null;
  private routes: Route[] = [];
  /** A random start, so that several processes do not use the same partition at the same time. */
  private turn = Math.floor(Math.random() * 1_000);
  private probing: Promise<void> | null = null;
  /** Settles with the first attempt. While the process starts, claims wait for it instead of being refused. */
  private firstProbe: Promise<void> | null = null;
  private probed = false;
  /** Tells of the loss of the last partition, not of each batch. */
  private readonly outage = new OutageLog(this.logger, systemClock);
  private refresh: NodeJS.Timeout | undefined;
  private readonly closing = new AbortController();

  constructor(
    private readonly config: KafkaConfig,
    private readonly keys: KeyRing,
    private readonly topicCheck: TopicCheck,
    limits: Partial<PublisherLimits> = {},
  ) {
    this.limits = { ...LIMITS, ...limits };
    const { publishMs } = this.limits;
    const late = `no acknowledgement within ${publishMs} ms`;
    this.batches = new NaturalBatcher(
      (batch) => this.writeTraced(batch),
      { ...this.limits, maxInFlight: MAX_IN_FLIGHT },
      systemClock,
      systemTimers,
      {
        ms: publishMs - LATE_BY_MS,
        waited: () => new ClaimLogUnavailableError(late),
        unanswered: () => new ClaimLogUnconfirmedError(late),
      },
    );
  }

  get away(): boolean {
    return this.closing.signal.aborted || (this.probed && this.routes.length === 0);
  }

  get full(): boolean {
    return this.batches.full;
  }

  /** Begins to look for the broker, and does not wait for it. `publish` does the same. */
  connect(): void {
    this.firstProbe ??= new Promise((resolve) => this.probe(resolve));
  }

  publish(event: OutgoingClaim): Promise<void> {
    if (this.away) return Promise.reject(unavailable(null));
    if (this.full) return Promise.reject(new ClaimLogFullError('too many claims are waiting for Kafka'));
    return this.batches.add(event);
  }

  async drain(): Promise<void> {
    await this.batches.drain();
    // The callers of `publish` learn the result some microtasks later.
    await new Promise(setImmediate);
  }

  close(): void {
    this.closing.abort();
    clearTimeout(this.refresh);
    this.connection?.destroy();
    this.connection = null;
    this.routes = [];
  }

  private writeTraced(events: readonly OutgoingClaim[]): Promise<void> {
    if (!tracing.enabled) return this.write(events);
    const span = tracing.batch('kafka produce', events, (event) => event.span, {
      kind: SpanKind.CLIENT,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.destination.name': this.config.topic,
        'messaging.batch.message_count': events.length,
      },
    });
    return span === undefined ? this.write(events) : inside(span, () => this.write(events));
  }

  /** At most two calls run at once. What a call has not sent after `produceMs` is never sent. */
  private async write(events: readonly OutgoingClaim[]): Promise<void> {
    const sendBefore = performance.now() + this.limits.produceMs;
    this.connect();
    if (!this.probed) {
      await withDeadline(this.firstProbe ?? Promise.resolve(), this.limits.produceMs, systemTimers).catch(
        () => undefined,
      );
    }
    const { connection } = this;
    const route = this.routes[this.turn++ % Math.max(1, this.routes.length)];
    if (connection === null || route === undefined) throw unavailable(null);

    const key = this.keys.signing ?? (await this.askForKey(sendBefore - performance.now()));
    let send: Awaited<ReturnType<KafkaConnection['producer']>>;
    try {
      send = await connection.producer(route.partition, route.node, sendBefore - performance.now());
    } catch (error) {
      this.dropNode(connection, route.node, error);
      throw unavailable(error);
    }
    const messages = events.map((event) => ({
      key: holderKey(event),
      value: eventText(event, key),
      traceParent: event.span?.traceParent,
    }));
    try {
      await send(messages, this.limits.produceMs);
    } catch (error) {
      if (isRefusedBeforeAppend(error)) {
        this.restPartition(connection, route, error);
        throw unavailable(error);
      }
      // mutant: lost-answer
      this.dropNode(connection, route.node, error);
      throw new ClaimLogUnconfirmedError(`Kafka did not acknowledge: ${(error as Error).message}`, { cause: error });
    }
  }

  /**
   * The newest key by a read that starts now. While the database is away, the newest that is known: whoever retires it has
   * seen that no process was without the database. @throws ClaimLogUnavailableError: without a key nothing is sent.
   */
  private async askForKey(leftMs: number): Promise<InstallationKey> {
    const ms = this.keys.newest === null ? leftMs : leftMs / 2;
    const cause = await withDeadline(this.keys.readAgain(), ms, systemTimers).catch((error: unknown) => error);
    if (this.keys.newest !== null) return this.keys.newest;
    throw new ClaimLogUnavailableError(`no key to sign with: ${String(cause)}`, { cause });
  }

  /** The node did not answer as it should. Its partitions are not used until a probe has seen it answer. */
  private dropNode(connection: KafkaConnection, node: string, reason: unknown): void {
    if (connection !== this.connection) return;
    this.routes = this.routes.filter((route) => route.node !== node);
    this.logAway(reason);
    this.probe();
  }

  /**
   * A leader that answers has refused the batch, for example because replicas are missing. The partition rests until
   * the next probe.
   */
  private restPartition(connection: KafkaConnection, { partition }: Route, reason: unknown): void {
    if (connection !== this.connection) return;
    this.routes = this.routes.filter((route) => route.partition !== partition);
    this.logAway(reason);
    this.refreshIn(PROBE_BACKOFF_MS.at(-1) as number);
  }

  /** @param tried is called when the first attempt has ended, with or without success. */
  private probe(tried: () => void = () => undefined): void {
    clearTimeout(this.refresh);
    this.probing ??= this.findLeaders(tried).finally(() => (this.probing = null));
  }

  private async findLeaders(tried: () => void): Promise<void> {
    const { signal } = this.closing;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const complete = await this.reconnect(attempt);
        this.refreshIn(complete ? this.limits.refreshMs : (PROBE_BACKOFF_MS.at(-1) as number));
        return;
      } catch (error) {
        this.probed = true;
        if (error instanceof UnusableTopicError) this.routes = [];
        this.logAway(error);
      } finally {
        tried();
      }
      await systemTimers.sleep(PROBE_BACKOFF_MS[Math.min(attempt, PROBE_BACKOFF_MS.length - 1)] ?? 0, signal);
    }
    tried();
  }

  /** True when every partition has a leader that answers. */
  private async reconnect(attempt: number): Promise<boolean> {
    const connection = await KafkaConnection.open(
      this.config,
      { openMs: OPEN_MS, requestMs: this.limits.produceMs },
      attempt,
    );
    const unusable = await this.topicCheck.checkAndLog(connection).catch((error: Error) => error);
    if (unusable !== null) {
      connection.destroy();
      throw unusable;
    }
    const leaders = connection.leaders();
    const answering = new Set<string>();
    const pings = [...new Set(leaders.values())].map((node) => {
      const led = [...leaders].flatMap(([partition, leader]) => (leader === node ? [partition] : []));
      return connection.ping(node, led).then(
        () => void answering.add(node),
        () => undefined,
      );
    });
    await Promise.all(pings);
    const routes = [...leaders].filter(([, node]) => answering.has(node));
    if (routes.length === 0 || this.closing.signal.aborted) {
      connection.destroy();
      throw new Error('no leader of the topic answers');
    }
    const replaced = this.connection;
    this.connection = connection;
    this.routes = routes.map(([partition, node]) => ({ partition, node }));
    this.probed = true;
    // The batches on the old connection have ended by then.
    if (replaced !== null) setTimeout(() => replaced.destroy(), 2 * this.limits.produceMs).unref();
    this.outage.recovered('Kafka answers again');
    return routes.length === connection.partitions().length;
  }

  private refreshIn(ms: number): void {
    clearTimeout(this.refresh);
    if (!this.closing.signal.aborted) this.refresh = setTimeout(() => this.probe(), ms).unref();
  }

  private logAway(reason: unknown): void {
    if (this.away && !this.closing.signal.aborted) {
      this.outage.failed(`Kafka takes no claims: ${(reason as Error).message}`);
    }
  }
}

function unavailable(cause: unknown): ClaimLogUnavailableError {
  const reason = cause instanceof Error ? cause.message : 'no broker answers';
  return new ClaimLogUnavailableError(`Kafka is away: ${reason}`, { cause });
}
