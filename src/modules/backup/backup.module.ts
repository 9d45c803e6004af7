import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/env.js';
import { FlowModule } from '../../platform/flow/flow.module.js';
import { BackupController } from './backup.controller.js';

/** Hands the operator a copy of everything while claims go on; in the embedded profile only. */
@Module({ imports: [FlowModule] })
export class BackupModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return { module: BackupModule, controllers: roles.has('api') ? [BackupController] : [] };
  }
}
