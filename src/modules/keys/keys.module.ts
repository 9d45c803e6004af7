import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { FlowModule } from '../../platform/flow/flow.module.js';
import { AdminAccess } from '../../platform/identity/admin-access.js';
import { AdminSight } from '../../platform/identity/admin-sight.js';
import { ApiKeys } from '../../platform/identity/api-keys.js';
import { Authenticator } from '../../platform/identity/authenticator.js';
import { CallerAccess } from '../../platform/identity/caller.js';
import { RecordedCalls } from '../../platform/identity/recorded-calls.js';
import { SessionRecords } from '../../platform/identity/session/session-records.js';
import { Sessions } from '../../platform/identity/session/sessions.js';
import { AuditLogController } from './audit-log.controller.js';
import { InstallationName } from './installation-name.js';
import { KeyApprovals } from './key-approvals.js';
import { KeyAdministration } from './key-administration.js';
import { KeysController } from './keys.controller.js';
import { SessionController } from './session.controller.js';
import { StoredKeys } from './stored-keys.js';
import { StoredSessions } from './stored-sessions.js';

/** API keys, and what was done with them. Global: the guards of every module ask who calls. */
@Module({
  imports: [FlowModule],
  providers: [
    StoredKeys,
    { provide: ApiKeys, useExisting: StoredKeys },
    StoredSessions,
    { provide: SessionRecords, useExisting: StoredSessions },
    Sessions,
    InstallationName,
    Authenticator,
    AdminAccess,
    AdminSight,
    CallerAccess,
    RecordedCalls,
    KeyAdministration,
    KeyApprovals,
  ],
  exports: [AdminAccess, AdminSight, Authenticator, CallerAccess, RecordedCalls],
})
export class KeysModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return {
      module: KeysModule,
      global: true,
      controllers: roles.has('api') ? [KeysController, SessionController, AuditLogController] : [],
    };
  }
}
