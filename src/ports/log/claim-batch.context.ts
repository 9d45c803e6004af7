import { BaseRpcContext } from '@nestjs/microservices';

/**
 * What the transport and the `@EventPattern` handler say to each other about one batch of log records.
 *
 * Nest hands a handler's errors to its transport as ordinary values, so success is never inferred from "it returned":
 * only the prefix that the handler has reported as settled is ever committed, and the rest is delivered again.
 */
export class ClaimBatchContext extends BaseRpcContext<[string, number]> {
  private settled = 0;

  /**
   * @param keepAlive tells the transport that the handler still works; throws when the batch was taken away (a
   * rebalance), after which the handler must stop.
   */
  constructor(
    topic: string,
    partition: number,
    readonly size: number,
    private readonly keepAlive: () => Promise<void>,
    private readonly isRevoked: () => boolean,
  ) {
    super([topic, partition]);
  }

  get topic(): string {
    return this.args[0];
  }

  get partition(): number {
    return this.args[1];
  }

  /** How many records from the start of the batch need never be delivered again. */
  get settledCount(): number {
    return this.settled;
  }

  /** Reports the contiguous prefix that is in the database, quarantined, or known to be stale. It can only grow. */
  settle(count: number): void {
    if (count < this.settled || count > this.size) {
      throw new RangeError(`a batch of ${this.size} with ${this.settled} settled cannot settle ${count}`);
    }
    this.settled = count;
  }

  /** True when the process shuts down or the partition went to another consumer: stop at the next chunk. */
  get revoked(): boolean {
    return this.isRevoked();
  }

  heartbeat(): Promise<void> {
    return this.keepAlive();
  }
}
