import { Module } from '@nestjs/common';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { BuildMetrics } from './build.metrics.js';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';
import { ReadinessMetrics } from './readiness.metrics.js';

@Module({
  imports: [GateWatchModule, MetricsModule],
  controllers: [HealthController],
  providers: [Readiness, ReadinessMetrics, BuildMetrics],
})
export class HealthModule {}
