import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { ResourcePaths } from '../../platform/http/output/resource-paths.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { RatesModule } from '../../platform/rates/rates.module.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { LiveCountersModule } from '../live/live-counters.module.js';
import { ClaimIssuance } from './claim-issuance.js';
import { ClaimOutage } from './claim-outage.js';
import { ClaimRecorder } from './claim-recorder.js';
import { ClaimController } from './claim.controller.js';
import { DiscardedClaims } from './discarded-claims.js';
import { IssuanceMetrics } from './issuance.metrics.js';
import { PastClaims } from './past-claims.js';
import { RefusalPruner } from './refusal-pruner.js';
import { RefusalRecorder } from './refusal-recorder.js';
import { RefusalMetrics } from './refusal.metrics.js';
import { UnpublishedClaims } from './unpublished-claims.js';

/**
 * 1 — HTTP → gate → claim log. Only a process with the role `api` issues, and keeps why users got nothing; one with the role
 * `retry` deletes what is old of that.
 */
@Module({
  imports: [GateWatchModule, MetricsModule, RatesModule, LiveCountersModule],
  providers: [
    ClaimIssuance,
    ClaimOutage,
    ClaimRecorder,
    UnpublishedClaims,
    DiscardedClaims,
    PastClaims,
    IssuanceMetrics,
    ResourcePaths,
  ],
})
export class IssuanceModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return {
      module: IssuanceModule,
      providers: [
        ...(roles.has('api') ? [RefusalRecorder, RefusalMetrics] : []),
        ...(roles.has('retry') ? [RefusalPruner] : []),
      ],
      controllers: roles.has('api') ? [ClaimController] : [],
    };
  }
}
