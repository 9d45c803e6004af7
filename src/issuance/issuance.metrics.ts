import { Inject, Injectable } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import { MetricsRegistry } from '../events/metrics-registry.js';

export type ClaimMetricOutcome =
  | 'accepted'
  | 'replayed'
  | 'already_claimed'
  | 'not_started'
  | 'paused'
  | 'closed'
  | 'ended'
  | 'sold_out'
  | 'unconfirmed'
  | 'unavailable';

/** The label of a claim that nobody could look up: whether its campaign exists is not known. */
export const NO_CAMPAIGN = 'unknown';

/** Counts what the gate decided. Only campaigns that the gate knows become a label: an unknown id never does. */
@Injectable()
export class IssuanceMetrics {
  private readonly claims: Counter<'campaign' | 'outcome'>;
  readonly publishDuration: Histogram;
  /** Looking a labelled counter up anew would cost more than counting. */
  private readonly counters = new Map<string, Counter.Internal>();

  constructor(@Inject(MetricsRegistry) registry: MetricsRegistry) {
    this.claims = new Counter({
      name: 'coupon_claims_total',
      help: 'Claims by what became of them at the api',
      labelNames: ['campaign', 'outcome'],
      registers: [registry],
    });
    this.publishDuration = new Histogram({
      name: 'coupon_publish_duration_seconds',
      help: 'From the gate’s yes to the claim being durable',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2],
      registers: [registry],
    });
  }

  count(campaign: string, outcome: ClaimMetricOutcome): void {
    const key = `${outcome}:${campaign}`;
    let counter = this.counters.get(key);
    if (counter === undefined) {
      counter = this.claims.labels(campaign, outcome);
      this.counters.set(key, counter);
    }
    counter.inc();
  }
}
