import { Injectable } from '@nestjs/common';

/**
 * How the consumer works through a batch. The defaults are those of the design, but for the chunks' size (ADR 19); tests
 * shorten the waits.
 */
@Injectable()
export class ConsumerSettings {
  /**
   * Claims of one transaction, at most: a fetch of Kafka's log holds some 2,200, so three. Embedded shares its thread with
   * HTTP, which waits for as long as a chunk takes; its log delivers no more than 500 at once.
   */
  readonly chunkSize: number = 750;
  /** The shortest and the longest wait before a chunk is tried again, ms. */
  readonly minWaitMs: number = 50;
  readonly maxWaitMs: number = 2_000;
  /** After so long without a commit the batch goes back to the transport, which pauses and delivers it again, ms. */
  readonly giveUpAfterMs: number = 10_000;
  /** How often the transport hears that the batch is still worked on, ms; a consumer may be silent for 2 s at most. */
  readonly heartbeatMs: number = 1_000;
}
