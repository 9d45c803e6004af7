import { setTimeout as delay } from 'node:timers/promises';
import { type ClaimBatchContext } from '../events/claim-batch.context.js';

/** How long it may take to notice that the batch was taken away while waiting, ms. */
const NOTICE_MS = 100;

/**
 * Keeps a batch for as long as it is worked on. The beat has a timer of its own, because a single statement may take
 * longer than a consumer may be silent.
 */
export class BatchHold {
  private readonly timer: NodeJS.Timeout;
  private beating: Promise<void> | null = null;
  private taken = false;

  constructor(
    private readonly context: ClaimBatchContext,
    everyMs: number,
  ) {
    this.timer = setInterval(() => void this.beat(), everyMs);
  }

  /** The process shuts down, or somebody else has the partition: what is not settled by now will be delivered again. */
  get lost(): boolean {
    return this.taken || this.context.revoked;
  }

  /** Waits, but not much longer than the batch is held. */
  async rest(ms: number): Promise<void> {
    const end = performance.now() + ms;
    for (let left = ms; left > 0 && !this.lost; left = end - performance.now()) await delay(Math.min(left, NOTICE_MS));
  }

  async end(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
  }

  /** Tells the transport now, and finds out whether the batch is still ours. */
  beat(): Promise<void> {
    this.beating ??= this.tellTransport().finally(() => (this.beating = null));
    return this.beating;
  }

  private async tellTransport(): Promise<void> {
    try {
      await this.context.heartbeat();
    } catch {
      // A rebalance. The transport knows it too, and does with its client what has to be done.
      this.taken = true;
    }
  }
}
