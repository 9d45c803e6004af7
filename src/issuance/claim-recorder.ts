import { Injectable, Logger } from '@nestjs/common';
import { CLAIM_DEADLINE_MS } from '../events/deadlines.js';
import { type ClaimEvent } from '../domain/claim.js';
import { ClaimLog, ClaimLogFullError, ClaimLogUnavailableError } from '../events/claim-log.js';
import { Clock } from '../platform/flow/clock.js';
import { OutageLog } from '../platform/flow/outage-log.js';
import { Timers } from '../platform/flow/timers.js';
import { withDeadline } from '../platform/flow/with-deadline.js';
import { UnpublishedClaims } from './unpublished-claims.js';

/** Makes an admitted claim durable outside the gate's memory: on the log, or else as a failed event. */
@Injectable()
export class ClaimRecorder {
  private readonly logger = new Logger(ClaimRecorder.name);
  private readonly refusals: OutageLog;

  constructor(
    private readonly log: ClaimLog,
    private readonly unpublished: UnpublishedClaims,
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {
    this.refusals = new OutageLog(this.logger, clock);
  }

  /**
   * True once the claim can no longer be lost. False says nothing about the claim: it may still arrive, and the
   * sweeper finds it if it does not.
   *
   * @param startedAt when the request was sent to the gate, on the monotonic clock, ms.
   */
  async record(event: ClaimEvent, startedAt: number): Promise<boolean> {
    try {
      if (this.log.away) throw new ClaimLogUnavailableError('the claim log is away');
      await this.log.publish(event);
    } catch (error) {
      return this.store(event, error as Error, startedAt);
    }
    this.refusals.recovered('the claim log takes claims again');
    return true;
  }

  /** The other way, with what is left of the time. */
  private async store(event: ClaimEvent, failure: Error, startedAt: number): Promise<boolean> {
    // A log that is away has said so itself.
    if (!this.log.away) this.refusals.failed(`the claim log refuses claims: ${failure.message}`);
    const left = startedAt + CLAIM_DEADLINE_MS - this.clock.monotonic();
    if (left <= 0) return false;
    try {
      await withDeadline(
        this.unpublished.save({
          claim: event,
          source: 'API',
          failure: { errorClass: 'unpublished', errorCode: codeOf(failure), errorMessage: failure.message },
        }),
        left,
        this.timers,
      );
      return true;
    } catch (error) {
      // Not a warning: in an outage there is one for each claim, and the metric counts them.
      this.logger.debug({ message: 'a claim could not be made durable', claimId: event.claimId, reason: `${error}` });
      return false;
    }
  }
}

/** Stable: operators filter by it. */
function codeOf(failure: Error): 'log-away' | 'log-full' | 'log-unconfirmed' {
  if (failure instanceof ClaimLogUnavailableError) return 'log-away';
  return failure instanceof ClaimLogFullError ? 'log-full' : 'log-unconfirmed';
}
