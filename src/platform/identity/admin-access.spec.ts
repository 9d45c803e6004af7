import { randomFillSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { TEST_TOKEN, TestKeys, TestToken } from '../../../test/support/api-keys.js';
import { NO_SESSIONS, requestOf } from '../../../test/support/sessions.js';
import { Clock } from '../flow/clock.js';
import { type Problem } from '../http/problem/problem.js';
import { AdminAccess } from './admin-access.js';
import { type ApiKey, makeKey } from './api-key.js';
import { Authenticator } from './authenticator.js';
import { type KeyRole } from './key-role.js';
import { NoTokens, type TokenOutcome, type TokenVerifier } from './tokens/token-verifier.js';

class TestClock extends Clock {
  at = 1_000_000;
  override monotonic(): number {
    return this.at;
  }
  override wall(): number {
    return this.at;
  }
}

/** Tokens whose answer a test sets. */
class TestTokens extends NoTokens {
  override readonly isOn = true;
  outcome: TokenOutcome = { kind: 'invalid', why: 'signature' };
  verified = 0;
  knowsAdmin = false;
  override verify(): TokenOutcome {
    this.verified += 1;
    this.knowsAdmin = this.outcome.kind === 'user' && this.outcome.role === 'operator';
    return this.outcome;
  }
  override isKnownAdmin(): boolean {
    return this.knowsAdmin;
  }
}

let tokens: TestTokens;
let clock: TestClock;
let keys: TestKeys;
let access: AdminAccess;

beforeEach(() => {
  clock = new TestClock();
  keys = new TestKeys();
  tokens = new TestTokens();
  access = new AdminAccess(new Authenticator(new TestToken(), keys, clock), clock, tokens, NO_SESSIONS);
});

const store = (role: KeyRole, over: Partial<ApiKey> = {}): string => keys.add(role, over);

const from = (credential: string | undefined, ip = '192.0.2.1') =>
  requestOf(credential === undefined ? {} : { authorization: `Bearer ${credential}` }, { ip });

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'entered',
    (problem: Problem) => problem.code,
  );
}

describe('an admin call', () => {
  it('is open to the admin token, and to a key with the role or a higher one', async () => {
    expect(await access.enter(from(TEST_TOKEN), 'admin')).toMatchObject({ id: 'bootstrap', role: 'admin' });
    const operator = store('operator');
    expect(await access.enter(from(operator), 'operator')).toMatchObject({ name: 'a operator' });
    expect(await codeOf(access.enter(from(operator), 'viewer'))).toBe('entered');
    expect(keys.used).toHaveLength(2);
  });

  it.each(['viewer', 'issuer', 'redeemer'] as const)('names the role that a %s lacks', async (role) => {
    await expect(access.enter(from(store(role)), 'operator')).rejects.toMatchObject({
      code: 'role-not-allowed',
      extensions: { neededRole: 'operator' },
    });
  });

  it.each([
    ['no credential', () => undefined],
    ['another token', () => `${TEST_TOKEN}x`],
    ['a key that was never made', () => makeKey(ulid(), 'admin', (bytes) => void randomFillSync(bytes)).text],
    ['the secret of another key', () => `${store('admin').slice(0, -43)}${store('admin').slice(-43)}`],
    ['a revoked key', () => store('admin', { revokedAt: 1 })],
    ['a key that has expired', () => store('admin', { expiresAt: clock.at })],
  ])('refuses %s', async (_what, credential) => {
    expect(await codeOf(access.enter(from(credential()), 'viewer'))).toBe('unauthorized');
    expect(keys.used).toEqual([]);
  });

  it('decides by the stored role, whatever the text of the key says', async () => {
    const text = store('viewer').replace('cpn_viewer_', 'cpn_admin_');
    expect(await codeOf(access.enter(from(text), 'admin'))).toBe('role-not-allowed');
  });
});

describe('guessing', () => {
  const guess = (ip?: string) => codeOf(access.enter(from('a-wrong-token-0123', ip), 'viewer'));

  it('is refused for a minute after ten wrong credentials, without a look at the eleventh', async () => {
    for (let count = 0; count < 10; count++) expect(await guess()).toBe('unauthorized');
    await expect(access.enter(from(TEST_TOKEN), 'viewer')).rejects.toMatchObject({
      code: 'too-many-requests',
      headers: { 'retry-after': '60' },
    });
    expect(await guess('192.0.2.2')).toBe('unauthorized');
    clock.at += 60_000;
    expect(await codeOf(access.enter(from(TEST_TOKEN), 'viewer'))).toBe('entered');
  });

  it('does not lock out an API key, which nobody can guess, but counts and refuses an invented one', async () => {
    const invented = () => makeKey(ulid(), 'admin', (bytes) => void randomFillSync(bytes)).text;
    for (let count = 0; count < 10; count++) {
      expect(await codeOf(access.enter(from(invented()), 'viewer'))).toBe('unauthorized');
    }
    expect(await codeOf(access.enter(from(invented()), 'viewer'))).toBe('too-many-requests');
    expect(await codeOf(access.enter(from(`${store('admin')}x`), 'viewer'))).toBe('too-many-requests');
    expect(await codeOf(access.enter(from(store('admin')), 'viewer'))).toBe('entered');
  });

  it('at calls that need no credential is counted, and does not show which one is right', async () => {
    for (let count = 0; count < 10; count++) {
      const request = from('a-wrong-token-0123');
      // A read that needs a credential as well is judged twice, and counted once.
      expect(access.isKnownAdmin(request)).toBe(false);
      if (count % 2 === 0) expect(await codeOf(access.enter(request, 'viewer'))).toBe('unauthorized');
    }
    expect(access.isKnownAdmin(from(TEST_TOKEN))).toBe(false);
    expect(await guess()).toBe('too-many-requests');
    expect(access.isKnownAdmin(from(TEST_TOKEN, '192.0.2.2'))).toBe(true);
  });

  it('is not what a caller does who brings the token of a user where nobody reads tokens', async () => {
    const off = { isOn: false } as TokenVerifier;
    access = new AdminAccess(new Authenticator(new TestToken(), keys, clock), clock, off, NO_SESSIONS);
    for (let count = 0; count < 20; count++) {
      expect(await codeOf(access.identify(from('eyJh.eyJz.c2ln')))).toBe('unauthorized');
    }
    expect(await codeOf(access.enter(from(TEST_TOKEN), 'viewer'))).toBe('entered');
  });

  it('is what such a caller does where ADMIN_TOKEN looks like the token of a user', async () => {
    class LikeAUsers extends TestToken {
      override readonly next = 'ewgok1p.8kGdTq2';
    }
    const off = { isOn: false } as TokenVerifier;
    access = new AdminAccess(new Authenticator(new LikeAUsers(), keys, clock), clock, off, NO_SESSIONS);
    for (let count = 0; count < 10; count++) await codeOf(access.enter(from('ewgok1p.8kGdTq1'), 'viewer'));
    expect(await codeOf(access.enter(from('ewgok1p.8kGdTq2'), 'viewer'))).toBe('too-many-requests');
  });

  it('is not what a caller does who has signed in elsewhere', async () => {
    const off = { isOn: false } as TokenVerifier;
    access = new AdminAccess(new Authenticator(new TestToken(), keys, clock), clock, off, NO_SESSIONS);
    for (let count = 0; count < 20; count++) {
      expect(access.isKnownAdmin(from('eyJh.eyJz.c2ln'))).toBe(false);
      expect(access.isKnownAdmin({ ...from(undefined), headers: { authorization: 'Basic a2ltOmtpbQ==' } })).toBe(false);
    }
    expect(access.isKnownAdmin(from(TEST_TOKEN))).toBe(true);
  });

  it('does not lock out a credential that was right before', async () => {
    expect(await codeOf(access.enter(from(TEST_TOKEN), 'viewer'))).toBe('entered');
    for (let count = 0; count < 10; count++) await guess();
    expect(await guess()).toBe('too-many-requests');
    expect(await codeOf(access.enter(from(TEST_TOKEN), 'viewer'))).toBe('entered');
  });

  it('does not lock it out either once the holder of a key has spelled that key in a thousand ways', async () => {
    const [key, another] = [store('redeemer'), store('viewer')];
    for (const right of [TEST_TOKEN, another]) await access.enter(from(right), 'viewer');
    for (let blanks = 0; blanks < 1_005; blanks++) await access.identify(from(' '.repeat(blanks) + key));
    for (let count = 0; count < 10; count++) await guess();
    expect(await codeOf(access.enter(from(TEST_TOKEN), 'viewer'))).toBe('entered');
    // Memory alone tells about these, so the key was remembered, and the wrong secret of that key is not right.
    expect(access.isKnownAdmin(from(another))).toBe(true);
    expect(access.isKnownAdmin(from(`${another.slice(0, -43)}${key.slice(-43)}`))).toBe(false);
  });

  it('does not keep such a credential open once it is revoked', async () => {
    const text = store('admin');
    await access.enter(from(text), 'viewer');
    for (let count = 0; count < 10; count++) await guess();
    for (const [id, key] of keys.stored) keys.stored.set(id, { ...key, revokedAt: 1 });
    expect(await codeOf(access.enter(from(text), 'viewer'))).toBe('unauthorized');
  });

  it('counts addresses of one IPv6 network together, and a call without a credential not at all', async () => {
    for (let count = 0; count < 20; count++) await codeOf(access.enter(from(undefined), 'viewer'));
    expect(await guess()).toBe('unauthorized');
    for (let count = 0; count < 10; count++) await guess(`2001:db8::${count}`);
    expect(await guess('2001:db8::ffff')).toBe('too-many-requests');
  });

  it('begins again when the window is over', async () => {
    for (let count = 0; count < 9; count++) await guess();
    clock.at += 60_000;
    for (let count = 0; count < 9; count++) await guess();
    expect(await guess()).toBe('unauthorized');
    expect(await guess()).toBe('too-many-requests');
  });
});

describe('a token of the issuer', () => {
  const JWT = 'eyJh.eyJz.c2ln';
  const user = (role: KeyRole | null, userId = 'auth0|kim'): TokenOutcome => ({
    kind: 'user',
    userId,
    role,
    expiresAt: Infinity,
  });

  it('makes its user an operator by its role', async () => {
    tokens.outcome = user('operator');
    const actor = { id: 'jwt:auth0|kim', name: 'auth0|kim', role: 'operator', expiresAt: Infinity };
    expect(await access.enter(from(JWT), 'operator')).toEqual(actor);
    await expect(access.enter(from(JWT), 'admin')).rejects.toMatchObject({
      code: 'role-not-allowed',
      extensions: { neededRole: 'admin' },
    });
  });

  it.each<[string, TokenOutcome, string]>([
    ['without a role', user(null), 'role-not-allowed'],
    ['of an issuer', user('issuer'), 'role-not-allowed'],
    ['that is wrong', { kind: 'invalid', why: 'signature' }, 'unauthorized'],
    ['that has expired', { kind: 'invalid', why: 'expired' }, 'unauthorized'],
    ['of no usable user', { kind: 'unusable-user' }, 'user-not-usable'],
    ['of a user whom the audit cannot name', user('admin', 'x'.repeat(125)), 'user-not-usable'],
    ['while the keys are not known', { kind: 'keys-unavailable' }, 'identity-unavailable'],
  ])('%s opens nothing', async (_what, outcome, code) => {
    tokens.outcome = outcome;
    expect(await codeOf(access.enter(from(JWT), 'viewer'))).toBe(code);
  });

  it('is judged also while its address is refused, and a wrong one is counted', async () => {
    for (let count = 0; count < 10; count++) {
      expect(await codeOf(access.enter(from(JWT), 'viewer'))).toBe('unauthorized');
    }
    expect(await codeOf(access.enter(from(JWT), 'viewer'))).toBe('too-many-requests');
    expect(await codeOf(access.enter(from('a-wrong-token-0123'), 'viewer'))).toBe('too-many-requests');
    tokens.outcome = user('viewer');
    expect(await codeOf(access.enter(from(JWT), 'viewer'))).toBe('entered');
  });

  it('is no guess when it has expired', async () => {
    tokens.outcome = { kind: 'invalid', why: 'expired' };
    for (let count = 0; count < 20; count++) await codeOf(access.enter(from(JWT), 'viewer'));
    expect(await codeOf(access.enter(from(TEST_TOKEN), 'viewer'))).toBe('entered');
  });

  it('is known to be an operator’s from memory alone', () => {
    tokens.outcome = user('operator');
    expect(access.isKnownAdmin(from(JWT))).toBe(false);
    tokens.knowsAdmin = true;
    expect(access.isKnownAdmin(from(JWT))).toBe(true);
    expect(tokens.verified).toBe(0);
  });
});

describe('the order of reads', () => {
  it('knows operators by memory alone', async () => {
    const text = store('viewer');
    expect(access.isKnownAdmin(from(text))).toBe(false);
    expect(access.isKnownAdmin(from(TEST_TOKEN))).toBe(true);
    expect(access.isKnownAdmin(from(undefined))).toBe(false);
    await access.enter(from(text), 'viewer');
    expect(access.isKnownAdmin(from(text))).toBe(true);
    keys.inMemory = true;
    expect(access.isKnownAdmin(from(store('issuer')))).toBe(false);
    expect(access.isKnownAdmin(from(store('viewer', { revokedAt: 1 })))).toBe(false);
    expect(keys.asked).toBe(1);
  });

  it('verifies the token of an admin call that memory does not know, and no other credential', async () => {
    expect(await access.isAdmin(from(undefined))).toBe(false);
    expect(await access.isAdmin(from(store('viewer')))).toBe(false);
    expect(await access.isAdmin(from(TEST_TOKEN))).toBe(true);
    expect([tokens.verified, keys.asked]).toEqual([0, 0]);
    expect(await access.isAdmin(from('eyJh.eyJz.c2ln'))).toBe(false);
    tokens.outcome = { kind: 'user', userId: 'kim', role: 'operator', expiresAt: Infinity };
    expect(await access.isAdmin(from('eyJh.eyJz.c2ln'))).toBe(true);
    expect(await access.isAdmin(from('eyJh.eyJz.c2ln'))).toBe(true);
    expect(tokens.verified).toBe(2);
  });

  it('verifies no token for it that comes from an address which guesses', async () => {
    for (let count = 0; count < 10; count++) await codeOf(access.enter(from('a-wrong-token-0123'), 'viewer'));
    tokens.outcome = { kind: 'user', userId: 'kim', role: 'operator', expiresAt: Infinity };
    expect(await access.isAdmin(from('eyJh.eyJz.c2ln'))).toBe(false);
    expect(tokens.verified).toBe(0);
    expect(await access.isAdmin(from('eyJh.eyJz.c2ln', '192.0.2.2'))).toBe(true);
  });
});
