import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { Readiness } from './readiness.js';

/** The readiness report as metrics, so that an outage raises an alarm even while no claims arrive. */
@Injectable()
export class ReadinessMetrics {
  constructor(registry: MetricsRegistry, readiness: Readiness) {
    new Gauge({
      name: 'coupon_dependency_up',
      help: '1 while this process can use gate, claimLog or database, or fetch the keys of the identity provider',
      labelNames: ['dependency'],
      registers: [registry],
      collect() {
        const { dependencies } = readiness.report();
        for (const [dependency, state] of Object.entries(dependencies)) {
          this.set({ dependency }, state === 'up' ? 1 : 0);
        }
      },
    });
    new Gauge({
      name: 'coupon_role_ready',
      help: '1 while a role of this process can work; 0 also while it drains',
      labelNames: ['role'],
      registers: [registry],
      collect() {
        const { roles } = readiness.report();
        for (const [role, state] of Object.entries(roles)) this.set({ role }, state === 'ready' ? 1 : 0);
      },
    });
    new Gauge({
      name: 'coupon_gate_script_current',
      help: '1 while the script of the open gate has the text that this build has; no value where that is not known',
      registers: [registry],
      collect() {
        const { script } = readiness.report().gate;
        if (script === undefined) this.remove();
        else this.set(script.current ? 1 : 0);
      },
    });
  }
}
