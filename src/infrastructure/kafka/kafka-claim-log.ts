import { type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type KafkaConfig } from '../../config/env.js';
import { type ClaimEvent } from '../../events/claim-event.js';
import { ClaimLog, type LogOffsets, type LogRecord } from '../../events/claim-log.js';
import { KafkaLogReader } from './kafka-log-reader.js';
import { KafkaPublisher, type PublisherLimits } from './kafka-publisher.js';

/** How a process uses the log. */
export interface KafkaClaimLogOptions {
  /** False where nothing is published: the process then keeps no connection for it. */
  readonly publishes?: boolean;
  readonly limits?: Partial<PublisherLimits>;
}

/**
 * The claim log of the distributed profile: a topic of Kafka. A claim is acknowledged when every in-sync replica has it.
 *
 * Nothing here waits for a broker at the start: the process is up at once, and publishes as soon as one answers.
 */
export class KafkaClaimLog extends ClaimLog implements OnModuleInit, OnApplicationShutdown {
  private readonly publisher: KafkaPublisher;
  private readonly reader: KafkaLogReader;

  constructor(
    config: KafkaConfig,
    private readonly options: KafkaClaimLogOptions = {},
  ) {
    super();
    this.publisher = new KafkaPublisher(config, options.limits);
    this.reader = new KafkaLogReader(config);
  }

  onModuleInit(): void {
    if (this.options.publishes !== false) this.publisher.connect();
  }

  /** After the HTTP server and the consumer have ended; what is under way now is rejected. */
  onApplicationShutdown(): void {
    this.publisher.close();
    this.reader.close();
  }

  get away(): boolean {
    return this.publisher.away;
  }

  get full(): boolean {
    return this.publisher.full;
  }

  publish(event: ClaimEvent): Promise<void> {
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

  drain(): Promise<void> {
    return this.publisher.drain();
  }
}
