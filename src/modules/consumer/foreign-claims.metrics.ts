import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { ForeignClaims } from '../gate-watch/foreign-claims.js';

/** `coupon_foreign_partitions`: above 0, two deployments share one topic. */
@Injectable()
export class ForeignClaimsMetrics {
  constructor(registry: MetricsRegistry, foreign: ForeignClaims) {
    new Gauge({
      name: 'coupon_foreign_partitions',
      help: 'Partitions on which the consumer stands, because the next claim is of another installation',
      registers: [registry],
      collect() {
        this.set(foreign.stoppedPartitions);
      },
    });
  }
}
