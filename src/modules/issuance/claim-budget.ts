import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { type Clock, type Instant } from '../../platform/flow/clock.js';
import { type Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';

/**
 * The time D of one claim (`CLAIM_DEADLINE_MS`, ADR 14), from just before it is sent to the gate. Within D it becomes
 * durable, and whatever else a promise needs is known; a claim whose budget is over is promised nothing. The larger of
 * monotonic and wall clock counts: a suspended machine stops the first.
 */
export class ClaimBudget {
  private readonly startedAt: Instant;

  constructor(
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {
    this.startedAt = clock.now();
  }

  /** 0 when nothing is left. */
  get leftMs(): number {
    return Math.max(0, CLAIM_DEADLINE_MS - this.clock.elapsedMs(this.startedAt));
  }

  /** What ends at D exactly is in time. */
  get isOver(): boolean {
    return this.clock.elapsedMs(this.startedAt) > CLAIM_DEADLINE_MS;
  }

  /**
   * Waits for `work` as long as something is left. A timer sleeps with its machine: what is decided by the result has to
   * ask {@link isOver} once more.
   * @throws DeadlineError, or what `work` rejects with.
   */
  within<T>(work: Promise<T>): Promise<T> {
    return withDeadline(work, this.leftMs, this.timers);
  }
}
