import { Inject, Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { MetricsRegistry } from '../events/metrics-registry.js';
import { EpochWatch } from '../gate/epoch-watch.js';
import { type CampaignGauge } from '../gate/issuance-gate.js';

/**
 * What operators see of the gate. Nothing here asks a server while metrics are collected: the last known values are
 * given, also while the database is away. Labels are ids that were read from the database, never from a request.
 */
@Injectable()
export class RecoveryMetrics {
  private readonly drift: Gauge<'campaign'>;
  private readonly pending: Gauge<'campaign'>;
  private readonly oldestPending: Gauge<'campaign'>;

  constructor(@Inject(MetricsRegistry) registry: MetricsRegistry, @Inject(EpochWatch) watch: EpochWatch) {
    const registers = [registry];
    new Gauge({
      name: 'coupon_gate_fenced',
      help: '1 while no claim is admitted because the gate cannot be trusted or is being rebuilt',
      registers,
      collect() {
        this.set(watch.state.state === 'open' ? 0 : 1);
      },
    });
    new Gauge({
      name: 'coupon_gate_epoch',
      help: 'The highest epoch of the gate that this process has seen',
      registers,
      collect() {
        this.set(watch.state.epoch ?? 0);
      },
    });
    this.drift = new Gauge({
      name: 'coupon_drift',
      help: 'Claims and coupons by which gate, counter and rows disagree; 0 when all promises hold',
      labelNames: ['campaign'],
      registers,
    });
    this.pending = new Gauge({
      name: 'coupon_pending',
      help: 'Admitted claims that were not seen in the database yet',
      labelNames: ['campaign'],
      registers,
    });
    this.oldestPending = new Gauge({
      name: 'coupon_pending_oldest_seconds',
      help: 'Age of the oldest pending claim',
      labelNames: ['campaign'],
      registers,
    });
  }

  /** @param now the gate's clock, ms. */
  setPending({ campaignId, pending, oldestPendingAt }: CampaignGauge, now: number): void {
    this.pending.set({ campaign: campaignId }, pending);
    const ageMs = oldestPendingAt === null ? 0 : Math.max(0, now - oldestPendingAt);
    this.oldestPending.set({ campaign: campaignId }, ageMs / 1_000);
  }

  setDrift(campaignId: string, drift: number): void {
    this.drift.set({ campaign: campaignId }, drift);
  }
}
