import { Global, Module } from '@nestjs/common';
import { FlowModule } from '../../src/platform/flow/flow.module.js';
import { type CallOrigin } from '../../src/platform/identity/actor.js';
import { AdminAccess } from '../../src/platform/identity/admin-access.js';
import { AdminSight } from '../../src/platform/identity/admin-sight.js';
import { ApiKeys } from '../../src/platform/identity/api-keys.js';
import { Authenticator } from '../../src/platform/identity/authenticator.js';
import { Sessions } from '../../src/platform/identity/session/sessions.js';
import { NoTokens, TokenVerifier } from '../../src/platform/identity/tokens/token-verifier.js';
import { NO_SESSIONS } from './sessions.js';

/** A call of an operator with this request id. */
export const byOperator = (requestId: string): CallOrigin => ({
  actor: { id: 'bootstrap', name: 'bootstrap' },
  requestId,
  address: '127.0.0.1',
});

/** There are no API keys, so only ADMIN_TOKEN opens the guarded calls. */
class NoApiKeys extends ApiKeys {
  override find(): Promise<null> {
    return Promise.resolve(null);
  }

  override findInMemory(): null {
    return null;
  }

  override noteUse(): void {
    // There is nothing to note.
  }
}

/** What the guards of controllers need in a test without a database. */
@Global()
@Module({
  imports: [FlowModule],
  providers: [
    { provide: ApiKeys, useClass: NoApiKeys },
    { provide: TokenVerifier, useClass: NoTokens },
    { provide: Sessions, useValue: NO_SESSIONS },
    Authenticator,
    AdminAccess,
    AdminSight,
  ],
  exports: [AdminAccess, AdminSight],
})
export class AdminTokenOnlyModule {}
