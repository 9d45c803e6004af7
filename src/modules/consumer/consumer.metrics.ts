import { Injectable } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { LiveCounters } from '../../ports/live/live-counters.js';

/** What became of a claim event at the consumer. */
export type ConsumedOutcome = 'issued' | 'duplicate' | 'stale' | 'discarded' | 'quarantined';

/** The consumer's metrics. No label has a value that comes from outside. */
@Injectable()
export class ConsumerMetrics {
  /** Duration of one transaction with its whole chunk. */
  readonly persistDuration: Histogram;
  /** Events whose signature is not this installation's, or that have none where one is demanded; and what is no event at all. */
  readonly badSignatures: Counter;
  /** Events without a signature that were taken all the same: from processes of a version that does not sign. */
  readonly unsigned: Counter;
  private readonly acceptToRow: Histogram;
  private readonly consumed: Counter<'outcome'>;

  constructor(
    registry: MetricsRegistry,
    private readonly live: LiveCounters = new LiveCounters(),
  ) {
    this.persistDuration = new Histogram({
      name: 'coupon_persist_duration_seconds',
      help: 'Seconds of one transaction that turns a chunk of claims into coupons',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers: [registry],
    });
    this.acceptToRow = new Histogram({
      name: 'coupon_accept_to_row_seconds',
      help: 'Seconds from the gate’s yes to the committed coupon',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
      registers: [registry],
    });
    this.badSignatures = new Counter({
      name: 'coupon_bad_signatures_total',
      help: 'Claim events that were not signed by this installation: somebody else writes to the topic',
      registers: [registry],
    });
    this.unsigned = new Counter({
      name: 'coupon_unsigned_events_total',
      help: 'Claim events without a signature that were accepted, because none is demanded yet',
      registers: [registry],
    });
    this.consumed = new Counter({
      name: 'coupon_consumed_total',
      help: 'Claim events by what became of them at the consumer',
      labelNames: ['outcome'],
      registers: [registry],
    });
  }

  count(outcome: ConsumedOutcome, events: number): void {
    if (events > 0) this.consumed.inc({ outcome }, events);
  }

  /**
   * @param claimedAt ms, the gate's clock.
   * @param committedAt ms, the clock of this process; if it is behind the gate's clock, the time counts as 0.
   */
  issued(campaignId: string, claimedAt: number, committedAt: number): void {
    const ms = Math.max(0, committedAt - claimedAt);
    this.acceptToRow.observe(ms / 1_000);
    this.live.issued(campaignId, ms);
  }
}
