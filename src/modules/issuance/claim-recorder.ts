import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { OutageLog } from '../../platform/flow/outage-log.js';
import { inside, type SampledSpan, SpanKind } from '../../platform/tracing/sampled-span.js';
import {
  ClaimLog,
  ClaimLogFullError,
  ClaimLogUnavailableError,
  type OutgoingClaim,
} from '../../ports/log/claim-log.js';
import { Admission } from '../gate-watch/admission.js';
import { type ClaimBudget } from './claim-budget.js';
import { UnpublishedClaims } from './unpublished-claims.js';

/** Makes an admitted claim durable outside the gate's memory: on the log, otherwise as a failed event. */
@Injectable()
export class ClaimRecorder implements BeforeApplicationShutdown {
  private readonly logger = new Logger(ClaimRecorder.name);
  private readonly refusals: OutageLog;

  constructor(
    private readonly log: ClaimLog,
    private readonly unpublished: UnpublishedClaims,
    private readonly admission: Admission,
    clock: Clock,
  ) {
    this.refusals = new OutageLog(this.logger, clock);
  }

  /** False while a claim that the gate admits now could not become durable, and would hold a slot in vain. */
  get canRecord(): boolean {
    return !this.log.full && !this.admission.nowhereDurable;
  }

  /**
   * True once the claim is durable. After false it may still arrive on the log; if it does not, the sweeper finds it.
   */
  async record(event: OutgoingClaim, budget: ClaimBudget): Promise<boolean> {
    try {
      if (this.log.away) throw new ClaimLogUnavailableError('the claim log is away');
      await (event.span === undefined ? this.log.publish(event) : this.publishTraced(event, event.span));
    } catch (error) {
      return this.store(event, error as Error, budget);
    }
    this.refusals.recovered('the claim log takes claims again');
    return true;
  }

  /** The log first: claims that it no longer acknowledges go to the database. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.log.drain();
    await this.unpublished.drain();
  }

  private publishTraced(event: OutgoingClaim, parent: SampledSpan): Promise<void> {
    const span = parent.child('publish claim', { kind: SpanKind.PRODUCER });
    return inside(span, () => this.log.publish({ ...event, span }));
  }

  /** Stores the claim as a failed event, within the time that is left. */
  private async store(event: OutgoingClaim, failure: Error, budget: ClaimBudget): Promise<boolean> {
    // The adapter logs by itself when the log is away.
    if (!this.log.away) this.refusals.failed(`the claim log refuses claims: ${failure.message}`);
    if (budget.leftMs === 0) return false;
    try {
      await budget.within(
        this.unpublished.save({
          claim: event,
          source: 'API',
          failure: { errorClass: 'unpublished', errorCode: codeOf(failure), errorMessage: failure.message },
        }),
      );
      return true;
    } catch (error) {
      // No warning: in an outage each claim would write one. The metric counts them.
      this.logger.debug({ message: 'a claim could not be made durable', claimId: event.claimId, reason: `${error}` });
      return false;
    }
  }
}

/** The codes are stable, because operators filter by them. */
function codeOf(failure: Error): 'log-away' | 'log-full' | 'log-unconfirmed' {
  if (failure instanceof ClaimLogUnavailableError) return 'log-away';
  return failure instanceof ClaimLogFullError ? 'log-full' : 'log-unconfirmed';
}
