import { Inject, Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { MetricsRegistry } from '../events/metrics-registry.js';
import { Database } from '../persistence/database.js';

/** `coupon_failed_events{status}`, counted in the database whenever metrics are collected. */
@Injectable()
export class FailedEventMetrics {
  constructor(@Inject(MetricsRegistry) registry: MetricsRegistry, @Inject(Database) database: Database) {
    new Gauge({
      name: 'coupon_failed_events',
      help: 'Failed events by status; DEAD ones wait for an operator',
      labelNames: ['status'],
      registers: [registry],
      async collect() {
        try {
          const counts = await database.read((unit) => unit.failedEvents.countByStatus());
          for (const [status, count] of Object.entries(counts)) this.set({ status }, count);
        } catch {
          // No value rather than an old one: an alarm on DEAD must not rest on what was true before the outage. And
          // never an error, or the metrics that tell of the outage would be gone too.
          this.reset();
        }
      },
    });
  }
}
