import { Injectable } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import { CLAIM_REFUSALS, type RefusalLabel } from '../../domain/refusals.js';
import { CampaignLabels, OTHER_CAMPAIGNS } from '../../platform/metrics/campaign-labels.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { LiveCounters } from '../../ports/live/live-counters.js';
import { StoredCampaignIds } from '../gate-watch/stored-campaign-ids.js';

export type ClaimMetricOutcome = 'accepted' | 'replayed' | RefusalLabel;

/** The label of a claim that the gate has not decided and whose campaign is not known to exist. */
const NO_CAMPAIGN = 'unknown';

/**
 * Counts claims by outcome. A campaign id becomes a label only when the gate knows it or it was read from the database,
 * and when {@link CampaignLabels} allows it.
 */
@Injectable()
export class IssuanceMetrics {
  private readonly claims: Counter<'campaign' | 'outcome'>;
  readonly publishDuration: Histogram;
  /** Kept, because each look-up of a labelled counter would cost more than counting. */
  private readonly counters = new Map<string, Counter.Internal>();
  /** Campaigns for which the gate has decided a claim. */
  private readonly decided = new Set<string>();

  constructor(
    registry: MetricsRegistry,
    private readonly stored: StoredCampaignIds,
    private readonly labels: CampaignLabels = new CampaignLabels(),
    private readonly live: LiveCounters = new LiveCounters(),
  ) {
    labels.onRemoved((campaign) => this.forget(campaign));
    this.claims = new Counter({
      name: 'coupon_claims_total',
      help: 'Claims by what became of them at the api; campaign other: those without series of their own',
      labelNames: ['campaign', 'outcome'],
      registers: [registry],
    });
    this.publishDuration = new Histogram({
      name: 'coupon_publish_duration_seconds',
      help: 'Seconds from the gate’s yes to the claim being durable',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2],
      registers: [registry],
    });
  }

  /** Counts a claim whose campaign the gate knows. */
  count(campaign: string, outcome: ClaimMetricOutcome): void {
    const counter = this.counters.get(`${outcome}:${campaign}`) ?? this.counterFor(campaign, outcome);
    counter.inc();
    if (campaign !== NO_CAMPAIGN) this.live.count(campaign, outcome);
  }

  /** Counts a claim on a campaign that has left the gate, and the metrics with it. */
  countPast(outcome: ClaimMetricOutcome): void {
    this.claims.inc({ campaign: OTHER_CAMPAIGNS, outcome });
  }

  /** Campaigns without a label of their own may be many, and share a few counters. */
  private counterFor(campaign: string, outcome: ClaimMetricOutcome): Counter.Internal {
    if (campaign !== NO_CAMPAIGN) this.decided.add(campaign);
    const label = campaign === NO_CAMPAIGN ? campaign : this.labels.labelFor(campaign);
    const key = `${outcome}:${label}`;
    const counter = this.counters.get(key) ?? this.claims.labels(label, outcome);
    this.counters.set(key, counter);
    return counter;
  }

  private forget(campaign: string): void {
    this.decided.delete(campaign);
    for (const key of [...this.counters.keys()].filter((name) => name.endsWith(`:${campaign}`))) {
      this.counters.delete(key);
      this.claims.remove(campaign, key.slice(0, -campaign.length - 1));
    }
  }

  /** Counts a claim that the gate has not decided: the caller may have invented its campaign. */
  countUndecided(campaign: string, refusal: 'issuer-unavailable' | 'claim-unconfirmed'): void {
    const exists = this.decided.has(campaign) || this.stored.has(campaign);
    this.count(exists ? campaign : NO_CAMPAIGN, CLAIM_REFUSALS[refusal]);
  }
}
