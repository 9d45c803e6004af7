import { describe, expect, it } from '@jest/globals';
import { ADMIN_ROLES, KEY_ROLES, mayAct, maySeeCodes } from './key-role.js';

describe('a role', () => {
  it('may do what the roles below it may, and nothing above', () => {
    const allowed = Object.fromEntries(
      KEY_ROLES.map((role) => [role, ADMIN_ROLES.filter((needed) => mayAct(role, needed))]),
    );
    expect(allowed).toEqual({
      viewer: ['viewer'],
      operator: ['viewer', 'operator'],
      admin: ['viewer', 'operator', 'admin'],
      issuer: [],
      redeemer: [],
    });
  });

  it('sees the codes of coupons where it acts for users or exports them', () => {
    expect(KEY_ROLES.filter(maySeeCodes)).toEqual(['operator', 'admin', 'issuer']);
  });
});
