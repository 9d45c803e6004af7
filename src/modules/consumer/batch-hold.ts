import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { type Timers } from '../../platform/flow/timers.js';
import { type ClaimBatchContext } from '../../ports/log/claim-batch.context.js';

/** How long it may take to notice that the batch was taken away while waiting, ms. */
const NOTICE_MS = 100;

/**
 * Keeps a batch for as long as it is worked on. The beat has a timer of its own, because a single statement may take
 * longer than a consumer may be silent.
 */
export class BatchHold {
  private readonly beats: PeriodicTask;
  private beating: Promise<void> | null = null;
  private taken = false;

  constructor(
    private readonly context: ClaimBatchContext,
    everyMs: number,
    private readonly timers: Timers,
  ) {
    // Not awaited: the next beat is due `everyMs` after this one was sent, however long its answer takes.
    this.beats = new PeriodicTask(timers, everyMs, () => void this.beat());
    this.beats.start();
  }

  /** The process shuts down, or somebody else has the partition: what is not settled by now will be delivered again. */
  get lost(): boolean {
    return this.taken || this.context.revoked;
  }

  /** Waits, but not much longer than the batch is held. */
  async rest(ms: number): Promise<void> {
    for (let left = ms; left > 0 && !this.lost; left -= NOTICE_MS) {
      await this.timers.sleep(Math.min(left, NOTICE_MS));
    }
  }

  async end(): Promise<void> {
    await this.beats.stop();
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
