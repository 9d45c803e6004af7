import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { type Clock, type Instant } from '../../platform/flow/clock.js';
import { type Timers } from '../../platform/flow/timers.js';
import { DeadlineError, withDeadline } from '../../platform/flow/with-deadline.js';

/**
 * The time D of one claim (`CLAIM_DEADLINE_MS`, ADR 14). It starts just before the claim is sent to the gate. Within D
 * the claim has to become durable, and the api has to know all that a 202 needs; after D there is no 202. The larger of
 * monotonic and wall clock counts, because a suspended machine stops the first.
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

  /** False at exactly D. */
  get isOver(): boolean {
    // mutant: endless-budget
    return this.clock.elapsedMs(this.startedAt) > CLAIM_DEADLINE_MS;
  }

  /**
   * Waits for `work`, at most for the time that is left. The timer stops while the machine is suspended, so ask
   * {@link isOver} again before you use the result.
   * @throws DeadlineError, or the error of `work`.
   */
  within<T>(work: Promise<T>): Promise<T> {
    return withDeadline(work, this.leftMs, this.timers);
  }

  /**
   * Waits for an answer that a 202 needs. False when the budget is over, also when the machine was suspended and the timer
   * with it.
   */
  async isTrueInTime(answer: Promise<boolean>): Promise<boolean> {
    try {
      return (await this.within(answer)) && !this.isOver;
    } catch (error) {
      if (error instanceof DeadlineError) return false;
      throw error;
    }
  }
}
