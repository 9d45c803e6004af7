import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/env.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { GateModule } from '../watch/watch.module.js';
import { ResourcePaths } from '../../platform/http/server/resource-paths.js';
import { ApplyController } from './apply.controller.js';
import { ClaimIssuance } from './claim-issuance.js';
import { ClaimOutage } from './claim-outage.js';
import { ClaimRecorder } from './claim-recorder.js';
import { ClaimStatusLookup } from '../coupons/claim-status.js';
import { ClaimsController } from '../coupons/claims.controller.js';
import { DiscardedClaims } from './discarded-claims.js';
import { IssuanceMetrics } from './issuance.metrics.js';
import { KnownCampaigns } from '../watch/known-campaigns.js';
import { UnpublishedClaims } from './unpublished-claims.js';
import { UserCoupons } from '../coupons/user-coupons.js';

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
