import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/env.js';
import { WatchModule } from '../watch/watch.module.js';
import { ClaimStatusLookup } from './claim-status.js';
import { ClaimsController } from './claims.controller.js';
import { UserCoupons } from './user-coupons.js';

/** Shows the status of a claim, and the coupons of a user. */
@Module({ imports: [WatchModule], providers: [ClaimStatusLookup, UserCoupons] })
export class CouponsModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return { module: CouponsModule, controllers: roles.has('api') ? [ClaimsController] : [] };
  }
}
