import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { ServiceInfoController } from './service-info.controller.js';

/** Tells pages and programs what kind of service they talk to, and what time it is there. */
@Module({ imports: [GateWatchModule] })
export class ServiceInfoModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return { module: ServiceInfoModule, controllers: roles.has('api') ? [ServiceInfoController] : [] };
  }
}
