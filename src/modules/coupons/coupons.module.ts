import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/env.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { ClaimStatusLookup } from './claim-status.js';
import { CouponsController } from './coupons.controller.js';
import { UserCoupons } from './user-coupons.js';

/** Shows the status of a claim, and the coupons of a user. */
@Module({ imports: [GateWatchModule], providers: [ClaimStatusLookup, UserCoupons] })
export class CouponsModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return { module: CouponsModule, controllers: roles.has('api') ? [CouponsController] : [] };
  }
}
