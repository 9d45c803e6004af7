import { Module } from '@nestjs/common';
import { GateModule } from '../gate/gate.module.js';
import { MetricsModule } from '../events/metrics.module.js';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';

@Module({ imports: [GateModule, MetricsModule], controllers: [HealthController], providers: [Readiness] })
export class HealthModule {}
