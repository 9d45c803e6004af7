import { describe, expect, it } from '@jest/globals';
import { parseEnv } from '../config/env.js';
import { type Actor } from './actor.js';
import { type AdminAccess } from './admin-access.js';
import { AdminSight } from './admin-sight.js';
import { type KeyRole } from './key-role.js';

const sightOf = (role: KeyRole, identity: 'open' | 'key') => {
  const access = { identify: () => Promise.resolve<Actor>({ id: 'id', name: 'name', role, expiresAt: null }) };
  return new AdminSight(access as unknown as AdminAccess, parseEnv({ IDENTITY: identity })).of({} as never);
};

describe('what the caller of an admin call sees', () => {
  it('is no code for a viewer, and with open no id that would open one', async () => {
    expect(await sightOf('viewer', 'open')).toEqual({ withCodes: false, withClaimIds: false });
    expect(await sightOf('viewer', 'key')).toEqual({ withCodes: false, withClaimIds: true });
  });

  it.each(['operator', 'admin'] as const)('is all for the role %s', async (role) => {
    expect(await sightOf(role, 'open')).toEqual({ withCodes: true, withClaimIds: true });
    expect(await sightOf(role, 'key')).toEqual({ withCodes: true, withClaimIds: true });
  });
});
