import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../config/env.js';
import { MetricsModule } from '../events/metrics.module.js';
import { GateModule } from '../gate/gate.module.js';
import { GateRebuilder } from './gate-rebuilder.js';
import { GateReconciler } from './gate-reconciler.js';
import { PromiseAudit } from './promise-audit.js';
import { RebuildProbe } from './rebuild-probe.js';
import { RecoveryMetrics } from './recovery-metrics.js';
import { RecoveryOptions, RecoveryService } from './recovery.bootstrap.js';

/** Rebuilds the gate, keeps its terms those of the database, and audits the promises. */
@Module({})
export class RecoveryModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return {
      module: RecoveryModule,
      imports: [GateModule, MetricsModule],
      providers: [
        // Every role meets the gate: the api claims, the consumer and the retry clear and release.
        { provide: RecoveryOptions, useValue: new RecoveryOptions(roles.size > 0) },
        RebuildProbe,
        GateRebuilder,
        GateReconciler,
        PromiseAudit,
        RecoveryMetrics,
        RecoveryService,
      ],
      exports: [RecoveryService, PromiseAudit],
    };
  }
}
