import { Logger } from '@nestjs/common';
import { type CustomTransportStrategy, type KafkaContext, ServerKafka } from '@nestjs/microservices';
import { type EachBatchPayload } from 'kafkajs';
import { type KafkaConfig } from '../../platform/config/config-parts.js';
import { systemClock } from '../../platform/flow/clock.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { ClaimBatchContext } from '../../ports/log/claim-batch.context.js';
import { type ClaimLog } from '../../ports/log/claim-log.js';
import { CLAIM_EVENT_PATTERN } from '../../ports/log/claim-transport.js';
import { KafkaConnection } from './client/kafka-connection.js';
import { isTakenAway } from './client/kafka-errors.js';
import { recordsOf } from './client/kafka-records.js';
import { ConsumerSession, Generation, type SessionTimes } from './consumer-session.js';
import { ConsumerWatchdog } from './consumer-watchdog.js';
import { ForeignInstallationError, type InstallationCheck, memberName } from './installation-check.js';
import { TopicCheck } from './topic-check.js';

/** The times of the transport, ms. Tests shorten some of them. */
export interface KafkaServerSettings extends SessionTimes {
  /** How long a partition rests after the handler gave up on a batch. */
  readonly pauseMs: number;
  /** The longest wait before the next attempt to reach the brokers or to join the group. */
  readonly maxBackoffMs: number;
  /** How long `close` waits for the handler, for the last commit and for leaving the group. */
  readonly closeMs: number;
  /** How long the consumer may be silent while messages wait. */
  readonly silentMs: number;
}

const SETTINGS: KafkaServerSettings = {
  sessionMs: 10_000,
  rebalanceMs: 15_000,
  heartbeatMs: 1_000,
  pauseMs: 1_000,
  maxBackoffMs: 2_000,
  closeMs: 5_000,
  silentMs: 30_000,
};
const MIN_BACKOFF_MS = 200;
const OPEN_TIMEOUTS = { openMs: 5_000, requestMs: 3_000 };
/** Longer than any single request of a consumer that connects. */
const CONNECT_MS = 12_000;
const WATCH_MS = 5_000;
const PARTITIONS_AT_ONCE = 3;
/**
 * Feeds the topic to the `@EventPattern` handler: each partition's records in arrays, from the beginning for a new
 * group. Only the prefix that the handler has settled is committed. The rest is delivered again, after a pause of its
 * partition.
 *
 * `listen` waits for nothing. In the background the server looks for the brokers, without a limit. After a crash it
 * joins the group with a new consumer, where that can help. Where only a new process helps, it calls `onFatal`.
 */
export class KafkaClaimServer extends ServerKafka implements CustomTransportStrategy {
  protected override logger = new Logger(KafkaClaimServer.name);
  private readonly settings: KafkaServerSettings;
  private readonly watchdog: ConsumerWatchdog;
  private closing = false;
  private session: ConsumerSession | null = null;
  private supervision: Promise<void> = Promise.resolve();
  private readonly closed = new AbortController();
  private readonly outage = new OutageLog(this.logger, systemClock);
  private readonly intrusion = new OutageLog(this.logger, systemClock, 'error');
  /** Once is enough: from then on the handler looks at every claim. */
  private checked = false;

  /**
   * @param log tells the watchdog how much waits.
   * @param onFatal is called with the reason when this process can consume no more. It should end the process within
   * seconds.
   */
  constructor(
    private readonly config: KafkaConfig,
    log: Pick<ClaimLog, 'endOffsets' | 'startOffsets' | 'committedOffsets'>,
    private readonly onFatal: (reason: string) => void,
    settings: Partial<KafkaServerSettings> = {},
    private readonly topicCheck = new TopicCheck(),
    private readonly installationCheck?: InstallationCheck,
  ) {
    super({ client: { clientId: 'coupon-system', brokers: [] }, consumer: { groupId: config.groupId }, postfixId: '' });
    this.settings = { ...SETTINGS, ...settings };
    const { silentMs } = this.settings;
    this.watchdog = new ConsumerWatchdog(log, (reason) => this.endProcess(reason), {
      silentMs,
      checkMs: Math.min(WATCH_MS, silentMs / 3),
    });
  }

  override async listen(callback: (err?: unknown, ...optionalParams: unknown[]) => void): Promise<void> {
    this.supervision = this.supervise();
    callback();
  }

  /** Lets the running handlers end their chunks, commits what they settled, and leaves the group. Always ends. */
  override async close(): Promise<void> {
    this.closing = true;
    this.watchdog.stop();
    this.closed.abort();
    const { session } = this;
    const farewell = session?.consumer.disconnect() ?? Promise.resolve();
    await withDeadline(farewell, this.settings.closeMs, systemTimers).catch(() => undefined);
    session?.end();
    // Only the opening of a connection can still be under way. It ends with its sockets, or at its deadline.
    await withDeadline(this.supervision, this.settings.closeMs, systemTimers).catch(() => undefined);
  }

  /** Handles one batch of one partition. It may only throw what makes kafkajs join the group again. */
  protected async consume(payload: EachBatchPayload, session: ConsumerSession): Promise<void> {
    const { generation } = session;
    const { batch, resolveOffset, heartbeat, pause, isRunning } = payload;
    const { topic, partition, messages } = batch;
    if (this.closing || messages.length === 0) return;
    // This batch was fetched before another join. The partition belongs to another consumer by now.
    if (!generation.partitions.includes(partition)) return;
    // This batch was fetched before the partitions were taken away. kafkajs gets the reason once more: if it took the
    // first one for passing trouble, it has not joined again, and would keep bringing what it fetches.
    if (generation.revoked) throw generation.reason;

    const beat = () => this.beat(heartbeat, generation);
    const taken = () => this.closing || generation.revoked || !isRunning();
    const context = new ClaimBatchContext(topic, partition, messages.length, beat, taken);
    const timer = setInterval(() => void beat().catch(() => undefined), this.settings.heartbeatMs);
    try {
      const packet = { pattern: CLAIM_EVENT_PATTERN, data: recordsOf(batch) };
      // The base class only passes the context on.
      await this.handleEvent(CLAIM_EVENT_PATTERN, packet, context as unknown as KafkaContext);
    } catch (error) {
      this.logger.error(`the handler threw after ${context.settledCount} of ${context.size}: ${String(error)}`);
    } finally {
      clearInterval(timer);
    }

    // One fetcher of kafkajs may join again while handlers of the others run. kafkajs would then commit what they
    // resolve under the new generation, even for a partition that another consumer has read further since.
    if (session.generation !== generation) return;
    // mutant: early-offset
    const lastSettled = messages[context.settledCount - 1];
    // kafkajs commits what is resolved when this method has ended, also when it throws.
    if (lastSettled !== undefined) resolveOffset(lastSettled.offset);
    if (generation.revoked) throw generation.reason;
    if (context.settledCount < context.size && !this.closing) session.rest(pause, this.settings.pauseMs);
  }

  /** @throws when the partitions were taken away. */
  private async beat(heartbeat: () => Promise<void>, generation: Generation): Promise<void> {
    try {
      await heartbeat();
      generation.lastBeat = performance.now();
    } catch (error) {
      // A broker that does not answer has taken nothing away, until the session must have expired.
      const expired = performance.now() - generation.lastBeat > this.settings.sessionMs;
      if (!isTakenAway(error) && !expired) return;
      generation.revoke(error);
      throw error;
    }
  }

  private async supervise(): Promise<void> {
    this.watchdog.start();
    let failures = 0;
    while (!this.closing) {
      // A new session is not stuck. Each step up to the joining of the group has a deadline of its own.
      this.watchdog.noteActivity();
      try {
        const name = await this.installationCheck?.own().then(memberName);
        this.session = new ConsumerSession(this.config, this.settings, name);
        await this.run(this.session, () => (failures = 0));
      } catch (error) {
        this.logAway(error as Error);
      } finally {
        this.session?.end();
        this.session = null;
      }
      failures += 1;
      await systemTimers.sleep(
        Math.min(this.settings.maxBackoffMs, MIN_BACKOFF_MS * 2 ** failures),
        this.closed.signal,
      );
    }
  }

  /** Returns or throws when the session has ended. */
  private async run(session: ConsumerSession, joined: () => void): Promise<void> {
    // This creates the topic when it is missing: without it the consumer could not join the group.
    const connection = await KafkaConnection.open(this.config, OPEN_TIMEOUTS, Math.floor(Math.random() * 1_000));
    // This logs what is wrong with the topic. To read it is right in any case.
    await this.topicCheck.checkAndLog(connection).catch(() => undefined);
    try {
      if (!this.checked) await this.installationCheck?.check(connection);
      this.checked = true;
    } finally {
      connection.destroy();
    }
    if (this.closing) return;

    const { consumer } = session;
    // unwrap() returns these, under Nest's own types.
    this.client = session.client as unknown as typeof this.client;
    this.consumer = consumer as unknown as typeof this.consumer;
    this.registerConsumerEventListeners();
    const { CRASH, FETCH, GROUP_JOIN, HEARTBEAT } = consumer.events;
    consumer.on(FETCH, () => this.watchdog.noteActivity());
    consumer.on(HEARTBEAT, () => {
      session.generation.lastBeat = performance.now();
      this.watchdog.noteActivity();
    });
    consumer.on(GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[this.config.topic] ?? [];
      session.generation.revoke(new Error('the consumer has joined the group again'));
      session.generation = new Generation(partitions);
      joined();
      this.watchdog.noteActivity();
      this.logJoined(partitions);
    });
    consumer.on(CRASH, ({ payload: { error } }) => {
      // During `close` and after it, kafkajs crashes because its sockets are gone.
      if (!session.mayGoOn && !this.closing && this.session === session) {
        this.endProcess(`the consumer crashed: ${error.name}: ${error.message}`);
      }
      session.lose(error);
    });

    const start = async () => {
      await consumer.connect();
      await consumer.subscribe({ topics: [this.config.topic], fromBeginning: true });
    };
    await withDeadline(start(), CONNECT_MS, systemTimers);
    const running = consumer.run({
      eachBatchAutoResolve: false,
      // For records that never reach `consume`: kafkajs resolves the marker of another client's transaction by itself,
      // and would commit it with the next batch. A quiet partition has no next batch, and the sweeper waits for the
      // commit. With this value kafkajs commits at once. It never commits more than what is resolved.
      autoCommitThreshold: 1,
      partitionsConsumedConcurrently: PARTITIONS_AT_ONCE,
      eachBatch: (payload) => this.consume(payload, session),
    });
    // `running` resolves when the consumer has joined the group, or when it has crashed.
    await Promise.race([running, session.lost]);
    throw await session.lost;
  }

  private endProcess(reason: string): void {
    if (this.closing) return;
    this.logger.error(reason);
    this.onFatal(reason);
  }

  private logAway(error: Error): void {
    if (this.closing) return;
    const log = error instanceof ForeignInstallationError ? this.intrusion : this.outage;
    log.failed(`claims are not consumed: ${error.message}`);
  }

  private logJoined(partitions: readonly number[]): void {
    const share = partitions.length === 0 ? 'no partition' : `partitions ${[...partitions].sort((a, b) => a - b)}`;
    this.logger.log(`consumes ${share} of ${this.config.topic}`);
    this.outage.recovered('claims are consumed again');
    this.intrusion.recovered('claims are consumed again');
  }
}
