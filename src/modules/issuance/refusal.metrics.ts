import { Injectable } from '@nestjs/common';
import { Counter } from 'prom-client';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { RefusalRecorder } from './refusal-recorder.js';

/** `coupon_refusals_shed_total`: how complete the answers of support are. */
@Injectable()
export class RefusalMetrics {
  constructor(registry: MetricsRegistry, recorder: RefusalRecorder) {
    new Counter({
      name: 'coupon_refusals_shed_total',
      help: 'Refusals that were not kept for support: over REFUSALS_KEPT_PER_SECOND, a full table, or the database away',
      registers: [registry],
      collect() {
        this.reset();
        this.inc(recorder.shed);
      },
    });
  }
}
