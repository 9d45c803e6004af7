import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { CampaignLabels } from '../../platform/metrics/campaign-labels.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';

/** The last known drift of each campaign that has series of its own. */
@Injectable()
export class DriftMetrics {
  private readonly drift: Gauge<'campaign'>;

  constructor(
    registry: MetricsRegistry,
    private readonly labels: CampaignLabels,
  ) {
    this.drift = new Gauge({
      name: 'coupon_drift',
      help: 'Claims and coupons by which gate, counter and rows disagree; 0 when all promises hold',
      labelNames: ['campaign'],
      registers: [registry],
    });
    labels.onRemoved((campaign) => this.drift.remove(campaign));
  }

  set(campaignId: string, drift: number): void {
    if (this.labels.labelFor(campaignId) === campaignId) this.drift.set({ campaign: campaignId }, drift);
  }
}
