import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { CampaignCouponsController } from './campaign-coupons.controller.js';
import { CampaignCoupons } from './campaign-coupons.js';
import { ClaimStatusLookup } from './claim-status.js';
import { CouponsController } from './coupons.controller.js';
import { UserCoupons } from './user-coupons.js';

/** Shows the status of a claim, and the coupons of a user and of a campaign. */
@Module({ imports: [GateWatchModule], providers: [CampaignCoupons, ClaimStatusLookup, UserCoupons] })
export class CouponsModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return {
      module: CouponsModule,
      controllers: roles.has('api') ? [CouponsController, CampaignCouponsController] : [],
    };
  }
}
