import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { FlowModule } from '../../platform/flow/flow.module.js';
import { BackupController } from './backup.controller.js';

/** Gives the operator a copy of the database while claims go on; only in the embedded profile. */
@Module({ imports: [FlowModule] })
export class BackupModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return { module: BackupModule, controllers: roles.has('api') ? [BackupController] : [] };
  }
}
