import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { Clock } from '../../platform/flow/clock.js';
import { SharedRead } from '../../platform/flow/shared-read.js';
import { Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { Database } from '../../ports/database/database.js';

/** The count reads the index of every row that is not resolved: they may be many during an outage. */
const COUNT_MAX_AGE_MS = 10_000;
/** How long a scrape waits for the database, ms: its other metrics must not come too late for Prometheus. */
const PATIENCE_MS = 1_000;

/** `coupon_failed_events{status}`. A scrape counts them in the database, at most every ten seconds. */
@Injectable()
export class FailedEventMetrics {
  constructor(registry: MetricsRegistry, database: Database, clock: Clock, timers: Timers) {
    const counts = new SharedRead(
      () => database.read((unit) => unit.failedEvents.countByStatus()),
      COUNT_MAX_AGE_MS,
      clock,
    );
    new Gauge({
      name: 'coupon_failed_events',
      help: 'Failed events by status; DEAD ones wait for an operator',
      labelNames: ['status'],
      registers: [registry],
      async collect() {
        try {
          const byStatus = await withDeadline(counts.get(), PATIENCE_MS, timers);
          for (const [status, count] of Object.entries(byStatus)) this.set({ status }, count);
        } catch {
          // No value is better than an old one: an alarm on DEAD must not use a count from before the outage. An error
          // would be worse: the scrape would lose the metrics that show the outage.
          this.reset();
        }
      },
    });
  }
}
