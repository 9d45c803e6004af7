import { Module } from '@nestjs/common';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { GateRebuilder } from './gate-rebuilder.js';
import { GateReconciler } from './gate-reconciler.js';
import { RebuildProbe } from './rebuild-probe.js';
import { RecoveryMetrics } from './recovery.metrics.js';
import { RecoveryService } from './recovery.service.js';
import { UnexplainedClaims } from './unexplained-claims.js';

/**
 * 6 — Rebuilds the gate, and keeps its terms equal to the database's. Runs in every role, because each role calls the
 * gate (consumer and retry clear pending entries) and a process that meets a fence rebuilds.
 */
@Module({
  imports: [GateWatchModule, MetricsModule],
  providers: [RebuildProbe, GateRebuilder, UnexplainedClaims, GateReconciler, RecoveryMetrics, RecoveryService],
})
export class RecoveryModule {}
