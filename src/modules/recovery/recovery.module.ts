import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/env.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { GateModule } from '../watch/watch.module.js';
import { AuditController } from '../audit/audit.controller.js';
import { DriftMeasurement } from '../audit/drift-measurement.js';
import { GateRebuilder } from './gate-rebuilder.js';
import { GateReconciler } from './gate-reconciler.js';
import { PromiseAudit } from '../audit/promise-audit.js';
import { RebuildProbe } from './rebuild-probe.js';
import { RecoveryMetrics } from './recovery-metrics.js';
import { RecoveryService } from './recovery.service.js';

/**
 * Rebuilds the gate, keeps its terms those of the database, and audits the promises. In every role: each of them meets
 * the gate (the consumer and the retry clear what is pending), and whoever meets a fence rebuilds.
 */
@Module({
  imports: [GateModule, MetricsModule],
  providers: [
    RebuildProbe,
    GateRebuilder,
    GateReconciler,
    PromiseAudit,
    RecoveryMetrics,
    RecoveryService,
    DriftMeasurement,
  ],
})
export class RecoveryModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return { module: RecoveryModule, controllers: roles.has('api') ? [AuditController] : [] };
  }
}
