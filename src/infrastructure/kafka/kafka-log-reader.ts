import { type KafkaConfig } from '../../platform/config/config-parts.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { type LogDescription, type LogOffsets, type LogRecord } from '../../ports/log/claim-log.js';
import { KafkaConnection } from './client/kafka-connection.js';
import { isDenied, isPassing, protocolErrorType } from './client/kafka-errors.js';
import { SHOWN_SETTINGS, whyTopicUnusable } from './topic-settings.js';

const TIMEOUTS = { openMs: 5_000, requestMs: 5_000 };
/** One page, bytes: some 3,000 claims. */
const PAGE_BYTES = 1_048_576;
/** How often the reader repeats a request after a passing error, and after how many ms. */
const RETRIES = 10;
const RETRY_MS = 200;

/**
 * Reads positions and records of the topic without joining a group: a rebuild must not wait for a rebalance. Every call
 * has a limit and rejects when the brokers are away. Callers try again.
 */
export class KafkaLogReader {
  private connection: Promise<KafkaConnection> | null = null;
  private attempts = 0;
  private closed = false;

  constructor(private readonly config: KafkaConfig) {}

  endOffsets(): Promise<LogOffsets> {
    return this.ask((connection) => connection.offsets('end'));
  }

  startOffsets(): Promise<LogOffsets> {
    return this.ask((connection) => connection.offsets('start'));
  }

  committedOffsets(): Promise<LogOffsets> {
    return this.ask((connection) => connection.committed(this.config.groupId));
  }

  topicId(): Promise<string | null> {
    return this.ask((connection) => connection.topicId());
  }

  async describe(): Promise<LogDescription> {
    const { topic, groupId } = this.config;
    try {
      const description = await this.ask((connection) => connection.describeTopic());
      const { replicas, settings } = description;
      const shown = [...settings].filter(([name]) => SHOWN_SETTINGS.has(name));
      return { topic, groupId, replicas, settings: new Map(shown), unusable: whyTopicUnusable(description) };
    } catch (error) {
      if (!isDenied(error)) throw error;
      return { topic, groupId, replicas: null, settings: new Map(), unusable: null };
    }
  }

  async *read(from: LogOffsets, to: LogOffsets): AsyncIterable<readonly LogRecord[]> {
    for (const [partition, end] of to) yield* this.readPartition(partition, from.get(partition) ?? 0, end);
  }

  close(): void {
    this.closed = true;
    this.drop(this.connection);
  }

  private async *readPartition(partition: number, from: number, to: number): AsyncIterable<readonly LogRecord[]> {
    let next = from;
    let stalled = 0;
    while (next < to) {
      const page = await this.fetch(partition, next);
      if (page === null || page.next === next) {
        const bounds = await this.bounds(partition);
        // The log is shorter than it was when `to` was read: its end was lost.
        if (next >= bounds.end) return;
        if (next < bounds.start) next = bounds.start;
        // A throttled broker also answers with nothing, so an empty answer must not skip records.
        else if ((stalled += 1) > RETRIES) throw new Error(`partition ${partition} does not give out offset ${next}`);
        else await systemTimers.sleep(RETRY_MS);
        continue;
      }
      stalled = 0;
      next = page.next;
      const records = page.records.filter(({ offset }) => offset < to);
      if (records.length > 0) yield records;
    }
  }

  /** null when the log does not hold this offset. */
  private async fetch(partition: number, offset: number) {
    try {
      return await this.ask((connection) => {
        const leader = connection.leaders().get(partition);
        if (leader === undefined) throw new Error(`partition ${partition} has no leader`);
        return connection.fetch(partition, leader, offset, PAGE_BYTES);
      });
    } catch (error) {
      if (protocolErrorType(error) === 'OFFSET_OUT_OF_RANGE') return null;
      throw error;
    }
  }

  private async bounds(partition: number): Promise<{ start: number; end: number }> {
    const [start, end] = [(await this.startOffsets()).get(partition), (await this.endOffsets()).get(partition)];
    if (start === undefined || end === undefined) throw new Error(`the topic has no partition ${partition}`);
    return { start, end };
  }

  /** A failed request ends the connection. The next request opens another one, with new sockets and the new leaders. */
  private async ask<T>(request: (connection: KafkaConnection) => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      if (this.closed) throw new Error('the claim log is closed');
      const opening = (this.connection ??= KafkaConnection.open(this.config, TIMEOUTS, this.attempts++));
      try {
        return await request(await opening);
      } catch (error) {
        if (protocolErrorType(error) === 'OFFSET_OUT_OF_RANGE') throw error;
        this.drop(opening);
        if (!isPassing(error) || tries === RETRIES) throw error;
      }
      await systemTimers.sleep(RETRY_MS);
    }
  }

  private drop(connection: Promise<KafkaConnection> | null): void {
    if (connection === null) return;
    if (this.connection === connection) this.connection = null;
    connection.then(
      (opened) => opened.destroy(),
      () => undefined,
    );
  }
}
