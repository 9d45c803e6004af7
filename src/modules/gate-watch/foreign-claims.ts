import { Injectable } from '@nestjs/common';
import { Clock, type Instant } from '../../platform/flow/clock.js';

/** A stopped partition is delivered again every second. One that was not has gone to another consumer, ms. */
const FORGET_MS = 30_000;

/** The partitions that the consumer of this process has stopped, because the next claim is another installation's. */
@Injectable()
export class ForeignClaims {
  private readonly metAt = new Map<number, Instant>();

  constructor(private readonly clock: Clock) {}

  met(partition: number): void {
    this.metAt.set(partition, this.clock.now());
  }

  passed(partition: number): void {
    this.metAt.delete(partition);
  }

  get stoppedPartitions(): number {
    return [...this.metAt.values()].filter((at) => this.clock.elapsedMs(at) <= FORGET_MS).length;
  }
}
