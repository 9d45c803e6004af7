import { Inject, Injectable, Logger } from '@nestjs/common';
import { CLAIM_DEADLINE_MS, PUBLISH_TIMEOUT_MS } from '../events/deadlines.js';
import { type ClaimEvent } from '../events/claim-event.js';
import { ClaimLog, ClaimLogFullError, ClaimLogUnavailableError } from '../events/claim-log.js';
import { withDeadline } from '../events/with-deadline.js';
import { UnpublishedClaims } from './unpublished-claims.js';

/** Makes an admitted claim durable outside the gate's memory: on the log, or else as a failed event. */
@Injectable()
export class ClaimRecorder {
  private readonly logger = new Logger(ClaimRecorder.name);
  private logRefusing = false;

  constructor(
    @Inject(ClaimLog) private readonly log: ClaimLog,
    @Inject(UnpublishedClaims) private readonly unpublished: UnpublishedClaims,
  ) {}

  /**
   * True once the claim can no longer be lost. False says nothing about the claim: it may still arrive, and the
   * sweeper finds it if it does not.
   *
   * @param startedAt when the request was sent to the gate, on the monotonic clock, ms.
   */
  async record(event: ClaimEvent, startedAt: number): Promise<boolean> {
    const failure = await this.publish(event);
    if (failure === null) return true;
    const left = startedAt + CLAIM_DEADLINE_MS - performance.now();
    if (left <= 0) return false;
    try {
      await withDeadline(
        this.unpublished.save({
          claim: event,
          source: 'API',
          failure: { errorClass: 'unpublished', errorCode: codeOf(failure), errorMessage: failure.message },
        }),
        left,
      );
      return true;
    } catch (error) {
      // Not a warning: in an outage there is one for each claim, and the metric counts them.
      this.logger.debug({ message: 'a claim could not be made durable', claimId: event.claimId, reason: `${error}` });
      return false;
    }
  }

  /** null when the log has acknowledged the event. */
  private async publish(event: ClaimEvent): Promise<Error | null> {
    if (this.log.away) return new ClaimLogUnavailableError('the claim log is away');
    try {
      await withDeadline(this.log.publish(event), PUBLISH_TIMEOUT_MS);
      if (this.logRefusing) this.logger.log('the claim log takes claims again');
      this.logRefusing = false;
      return null;
    } catch (error) {
      // One line for an outage, not one for each of its claims.
      if (!this.logRefusing) this.logger.warn(`the claim log refuses claims: ${(error as Error).message}`);
      this.logRefusing = true;
      return error as Error;
    }
  }
}

/** Stable: operators filter by it. */
function codeOf(failure: Error): 'log-away' | 'log-full' | 'log-unconfirmed' {
  if (failure instanceof ClaimLogUnavailableError) return 'log-away';
  return failure instanceof ClaimLogFullError ? 'log-full' : 'log-unconfirmed';
}
