import { type DynamicModule, Module } from '@nestjs/common';
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
  /** Needs `MetricsRegistry` and the ports from modules around it. */
  static with(options: RecoveryOptions): DynamicModule {
    return {
      module: RecoveryModule,
      imports: [GateModule],
      providers: [
        { provide: RecoveryOptions, useValue: options },
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
