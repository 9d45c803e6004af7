import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { FlowModule } from '../../platform/flow/flow.module.js';
import { Approvals } from '../../ports/approvals/approvals.js';
import { ApprovalsController } from './approvals.controller.js';
import { StoredApprovals } from './stored-approvals.js';

/** The second operator. Global: each module has acts that need one. */
@Module({
  imports: [FlowModule],
  providers: [StoredApprovals, { provide: Approvals, useExisting: StoredApprovals }],
  exports: [Approvals],
})
export class ApprovalsModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return { module: ApprovalsModule, global: true, controllers: roles.has('api') ? [ApprovalsController] : [] };
  }
}
