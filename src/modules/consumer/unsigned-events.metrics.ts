import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { Clock } from '../../platform/flow/clock.js';
import { SharedRead } from '../../platform/flow/shared-read.js';
import { Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { Database } from '../../ports/database/database.js';
import { ClaimLog } from '../../ports/log/claim-log.js';

const MAX_AGE_MS = 10_000;
/** How long a scrape waits for the database, ms. */
const PATIENCE_MS = 1_000;

/**
 * `coupon_unsigned_accepted`: 1 while other programs that may write to the log can make coupons. A gate row that an
 * operator has put back without `signed_since` shows here.
 */
@Injectable()
export class UnsignedEventsMetrics {
  constructor(registry: MetricsRegistry, database: Database, log: ClaimLog, clock: Clock, timers: Timers) {
    const accepted = new SharedRead(
      async () => (await database.read((unit) => unit.gate.read())).signedSince === null,
      MAX_AGE_MS,
      clock,
    );
    new Gauge({
      name: 'coupon_unsigned_accepted',
      help: '1 while unsigned claim events are accepted; no value where no other program can write to the log',
      registers: [registry],
      async collect() {
        this.remove();
        if (!log.signed) return;
        const known = await withDeadline(accepted.get(), PATIENCE_MS, timers).catch(() => null);
        if (known !== null) this.set(known ? 1 : 0);
      },
    });
  }
}
