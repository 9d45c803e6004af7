import { Injectable } from '@nestjs/common';

/**
 * How the consumer works through a batch. ADR 19 measured the chunk size. Tests shorten the waits.
 */
@Injectable()
export class ConsumerSettings {
  /**
   * The most claims in one transaction. A fetch from Kafka holds some 2,200 claims, so three chunks. The embedded log
   * delivers at most 500 at once, because there a chunk keeps HTTP waiting.
   */
  readonly chunkSize: number = 750;
  /** The shortest and the longest wait before a chunk is tried again, ms. */
  readonly minWaitMs: number = 50;
  readonly maxWaitMs: number = 2_000;
  /** After this time without a commit the transport gets the batch back, pauses, and delivers it again, ms. */
  readonly giveUpAfterMs: number = 10_000;
  /** Between two heartbeats to the transport, ms; a consumer may be silent for 2 s at most. */
  readonly heartbeatMs: number = 1_000;
}
