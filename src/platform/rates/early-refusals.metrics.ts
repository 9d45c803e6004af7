import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';
import { MetricsRegistry } from '../metrics/metrics-registry.js';

/** Whose limit a claim was over. */
export const EARLY_REASONS = ['user', 'address', 'total'] as const;
export type EarlyReason = (typeof EARLY_REASONS)[number];

/** `coupon_refused_early_total`. Refusals are counted and not logged: a flood must not fill the log. */
@Injectable()
export class EarlyRefusals {
  private readonly counters: Readonly<Record<EarlyReason, Counter.Internal>>;

  constructor(registry: MetricsRegistry) {
    const counter = new Counter({
      name: 'coupon_refused_early_total',
      help: 'Claims refused before the gate, by the limit that they were over: of their user, their address, or of all',
      labelNames: ['reason'],
      registers: [registry],
    });
    this.counters = {
      user: counter.labels('user'),
      address: counter.labels('address'),
      total: counter.labels('total'),
    };
    for (const reason of EARLY_REASONS) this.counters[reason].inc(0);
  }

  count(reason: EarlyReason): void {
    this.counters[reason].inc();
  }
}
