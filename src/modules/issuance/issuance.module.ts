import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../config/env.js';
import { MetricsModule } from '../events/metrics.module.js';
import { GateModule } from '../gate/gate.module.js';
import { ResourcePaths } from '../http/resource-paths.js';
import { ApplyController } from './apply.controller.js';
import { ClaimIssuance } from './claim-issuance.js';
import { ClaimOutage } from './claim-outage.js';
import { ClaimRecorder } from './claim-recorder.js';
import { ClaimStatusLookup } from './claim-status.js';
import { ClaimsController } from './claims.controller.js';
import { DiscardedClaims } from './discarded-claims.js';
import { IssuanceMetrics } from './issuance.metrics.js';
import { KnownCampaigns } from './known-campaigns.js';
import { UnpublishedClaims } from './unpublished-claims.js';
import { UserCoupons } from './user-coupons.js';

/** 1 — HTTP → gate → claim log. Only a process with the role `api` issues. */
@Module({
  imports: [GateModule, MetricsModule],
  providers: [
    ClaimIssuance,
    ClaimOutage,
    ClaimRecorder,
    UnpublishedClaims,
    KnownCampaigns,
    DiscardedClaims,
    ClaimStatusLookup,
    UserCoupons,
    IssuanceMetrics,
    ResourcePaths,
  ],
})
export class IssuanceModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return { module: IssuanceModule, controllers: roles.has('api') ? [ApplyController, ClaimsController] : [] };
  }
}
