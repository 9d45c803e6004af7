import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { Clock } from '../../platform/flow/clock.js';
import { CampaignLabels } from '../../platform/metrics/campaign-labels.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';

/** The last known drift of each campaign that has series of its own, and how old that knowledge is. */
@Injectable()
export class DriftMetrics {
  private readonly drift: Gauge<'campaign'>;
  /** Campaign → the instant that its drift belongs to; of one that was never measured, when the first try began. Monotonic, ms. */
  private readonly measuredAt = new Map<string, number>();

  constructor(
    registry: MetricsRegistry,
    private readonly labels: CampaignLabels,
    private readonly clock: Clock,
  ) {
    this.drift = new Gauge({
      name: 'coupon_drift',
      help: 'Claims and coupons by which gate, counter and rows disagree; 0 when all promises hold',
      labelNames: ['campaign'],
      registers: [registry],
    });
    const { measuredAt } = this;
    const age = new Gauge({
      name: 'coupon_drift_age_seconds',
      help: 'Age of what coupon_drift says, in seconds: it keeps its value while it cannot be measured',
      labelNames: ['campaign'],
      registers: [registry],
      collect() {
        const now = clock.monotonic();
        for (const [campaign, at] of measuredAt) this.set({ campaign }, Math.max(0, now - at) / 1_000);
      },
    });
    labels.onRemoved((campaign) => {
      measuredAt.delete(campaign);
      age.remove(campaign);
      this.drift.remove(campaign);
    });
  }

  /** A measurement begins. Until the first one has ended, the age counts from the first try. */
  begin(campaignId: string): void {
    if (this.isLabelled(campaignId) && !this.measuredAt.has(campaignId)) {
      this.measuredAt.set(campaignId, this.clock.monotonic());
    }
  }

  /** @param measuredAt the instant to which the drift belongs; monotonic, ms. */
  set(campaignId: string, drift: number, measuredAt: number): void {
    if (!this.isLabelled(campaignId)) return;
    this.drift.set({ campaign: campaignId }, drift);
    this.measuredAt.set(campaignId, measuredAt);
  }

  /** Whether the campaign has series of its own. */
  isLabelled(campaignId: string): boolean {
    return this.labels.labelFor(campaignId) === campaignId;
  }
}
