import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/env.js';
import { ResourcePaths } from '../../platform/http/output/resource-paths.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { WatchModule } from '../watch/watch.module.js';
import { ApplyController } from './apply.controller.js';
import { ClaimIssuance } from './claim-issuance.js';
import { ClaimOutage } from './claim-outage.js';
import { ClaimRecorder } from './claim-recorder.js';
import { DiscardedClaims } from './discarded-claims.js';
import { IssuanceMetrics } from './issuance.metrics.js';
import { UnpublishedClaims } from './unpublished-claims.js';

/** 1 — HTTP → gate → claim log. Only a process with the role `api` issues. */
@Module({
  imports: [WatchModule, MetricsModule],
  providers: [
    ClaimIssuance,
    ClaimOutage,
    ClaimRecorder,
    UnpublishedClaims,
    DiscardedClaims,
    IssuanceMetrics,
    ResourcePaths,
  ],
})
export class IssuanceModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return { module: IssuanceModule, controllers: roles.has('api') ? [ApplyController] : [] };
  }
}
