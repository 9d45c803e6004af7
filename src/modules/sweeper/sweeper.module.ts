import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { PendingSweeper } from './pending-sweeper.js';
import { SweeperCron } from './sweeper.cron.js';

/** 5 — Finds admitted claims that never arrived, and makes failed events of them. Runs in the role `retry`. */
@Module({})
export class SweeperModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    if (!roles.has('retry')) return { module: SweeperModule };
    return {
      module: SweeperModule,
      imports: [GateWatchModule],
      providers: [PendingSweeper, SweeperCron],
    };
  }
}
