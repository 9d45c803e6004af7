import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { LiveCountersModule } from '../live/live-counters.module.js';
import { AuditController } from './audit.controller.js';
import { CouponCounts } from './coupon-counts.js';
import { DriftMeasurement } from './drift-measurement.js';
import { DriftMetrics } from './drift.metrics.js';
import { PromiseAudit } from './promise-audit.js';

/** 7 — Compares what was promised with what is there: on an operator's call, and every 30 s for the drift metric. */
@Module({
  imports: [GateWatchModule, MetricsModule, LiveCountersModule],
  providers: [CouponCounts, PromiseAudit, DriftMetrics, DriftMeasurement],
})
export class AuditModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return { module: AuditModule, controllers: roles.has('api') ? [AuditController] : [] };
  }
}
