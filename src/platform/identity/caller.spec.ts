import { beforeEach, describe, expect, it } from '@jest/globals';
import { TEST_TOKEN, TestKeys, TestToken } from '../../../test/support/api-keys.js';
import { SetClock } from '../../../test/support/flow.js';
import { NO_SESSIONS, requestOf } from '../../../test/support/sessions.js';
import { type Identity } from '../config/config-parts.js';
import { parseEnv } from '../config/env.js';
import { Problem } from '../http/problem/problem.js';
import { AdminAccess } from './admin-access.js';
import { Authenticator } from './authenticator.js';
import { type Caller, CallerAccess } from './caller.js';
import { NoTokens, type TokenOutcome } from './tokens/token-verifier.js';

const TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln';

class TestVerifier extends NoTokens {
  override readonly isOn = true;
  outcome: TokenOutcome | Promise<TokenOutcome> = { kind: 'invalid', why: 'signature' };
  override isKnownAdmin(): boolean {
    return false;
  }
  override verify(): TokenOutcome | Promise<TokenOutcome> {
    return this.outcome;
  }
}

let keys: TestKeys;
let verifier: TestVerifier;

beforeEach(() => {
  keys = new TestKeys();
  verifier = new TestVerifier();
});

function accessWith(identity: Identity): CallerAccess {
  const clock = new SetClock();
  const authenticator = new Authenticator(new TestToken(), keys, clock);
  const config = { ...parseEnv({}), identity } as ReturnType<typeof parseEnv>;
  return new CallerAccess(
    config,
    new AdminAccess(authenticator, clock, verifier, NO_SESSIONS),
    authenticator,
    verifier,
  );
}

const from = (credential?: string, ip = '192.0.2.1') =>
  requestOf(credential === undefined ? {} : { authorization: `Bearer ${credential}` }, { ip });

const asUser = (userId: string, role: 'operator' | 'viewer' | 'issuer' | 'redeemer' | null = null): TokenOutcome => ({
  kind: 'user',
  userId,
  role,
  expiresAt: Infinity,
});

async function refusal(work: () => unknown): Promise<Problem> {
  let thrown: unknown = null;
  try {
    await work();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(Problem);
  return thrown as Problem;
}

const issuer: Caller = { kind: 'issuer', key: { id: 'k', name: 'shop', role: 'issuer', expiresAt: null } };
const user: Caller = { kind: 'user', userId: 'a', role: null };
const admin = (role: 'viewer' | 'operator'): Caller => ({
  kind: 'admin',
  actor: { id: 'k', name: role, role, expiresAt: null },
});
const ANYONE: Caller = { kind: 'anyone' };

describe('a claim of a caller', () => {
  it('is not looked at with IDENTITY=open, whatever credential it brings', () => {
    const access = accessWith('open');
    for (const credential of [undefined, 'wrong', TOKEN]) {
      expect(access.identifyClaimant(from(credential))).toEqual(ANYONE);
    }
    expect(access.userOf(ANYONE, 'b')).toBe('b');
  });

  it('needs the key of an issuer with IDENTITY=key, which may name any user', async () => {
    const access = accessWith('key');
    const absent = await refusal(() => access.identifyClaimant(from()));
    expect([absent.code, absent.headers]).toEqual(['unauthorized', { 'www-authenticate': 'Bearer realm="coupons"' }]);
    const wrong = await refusal(() => access.identifyClaimant(from('wrong')));
    expect(wrong.headers).toEqual({ 'www-authenticate': 'Bearer realm="coupons", error="invalid_token"' });
    const caller = await access.identifyClaimant(from(keys.add('issuer')));
    expect(caller).toMatchObject({ kind: 'issuer', key: { name: 'a issuer' } });
    expect([access.userOf(caller, 'a'), access.userOf(caller, 'b')]).toEqual(['a', 'b']);
    expect((await refusal(() => access.userOf(caller, undefined))).code).toBe('validation-failed');
    expect((await refusal(() => access.userOf(caller, 'me'))).code).toBe('validation-failed');
  });

  it('is for issuers alone among the roles', async () => {
    const access = accessWith('key');
    for (const role of ['viewer', 'operator', 'admin', 'redeemer'] as const) {
      const work = async () => access.userOf(await access.identifyClaimant(from(keys.add(role))), 'a');
      expect(await refusal(work)).toMatchObject({ code: 'role-not-allowed', extensions: { neededRole: 'issuer' } });
    }
    const bootstrap = async () => access.userOf(await access.identifyClaimant(from(TEST_TOKEN)), 'a');
    expect((await refusal(bootstrap)).code).toBe('role-not-allowed');
  });

  it('pays for no promise either once another key was spelled in a thousand ways', async () => {
    const access = accessWith('key');
    const [key, another] = [keys.add('issuer'), keys.add('issuer')];
    await access.identifyClaimant(from(key));
    for (let blanks = 0; blanks < 1_005; blanks++) await access.identifyClaimant(from(' '.repeat(blanks) + another));
    keys.inMemory = true;
    expect(access.identifyClaimant(from(key))).toMatchObject({ kind: 'issuer', key: { name: 'a issuer' } });
  });

  it('pays for no promise once memory knows the key', async () => {
    const access = accessWith('key');
    const [key, another] = [keys.add('issuer'), keys.add('issuer')];
    keys.inMemory = true;
    // Its secret has not been compared yet.
    expect(access.identifyClaimant(from(key))).toBeInstanceOf(Promise);
    await access.identifyClaimant(from(key));
    expect(access.identifyClaimant(from(key))).toMatchObject({ kind: 'issuer' });
    const halfRight = `${key.slice(0, -43)}${another.slice(-43)}`;
    expect((await refusal(() => access.identifyClaimant(from(halfRight)))).code).toBe('unauthorized');
    for (const [id, stored] of keys.stored) keys.stored.set(id, { ...stored, revokedAt: 1 });
    expect((await refusal(() => access.identifyClaimant(from(key)))).code).toBe('unauthorized');
  });

  it('is for the user of the token with IDENTITY=jwt', async () => {
    const access = accessWith('jwt');
    verifier.outcome = asUser('a');
    const caller = access.identifyClaimant(from(TOKEN)) as Caller;
    expect(caller).toEqual(user);
    expect([access.userOf(caller, undefined), access.userOf(caller, 'a')]).toEqual(['a', 'a']);
    for (const other of ['b', 'A', 'me']) {
      expect((await refusal(() => access.userOf(caller, other))).code).toBe('not-your-user');
    }
    verifier.outcome = Promise.resolve(asUser('b'));
    expect(access.userOf(await access.identifyClaimant(from(TOKEN)), undefined)).toBe('b');
    expect(access.userOf(await access.identifyClaimant(from(keys.add('issuer'))), 'c')).toBe('c');
  });

  it.each([
    [{ kind: 'invalid', why: 'expired' }, 'unauthorized'],
    [{ kind: 'unusable-user' }, 'user-not-usable'],
    [{ kind: 'keys-unavailable' }, 'identity-unavailable'],
  ] as const)('whose token is %j is refused', async (outcome, code) => {
    verifier.outcome = outcome;
    expect((await refusal(() => accessWith('jwt').identify(from(TOKEN)))).code).toBe(code);
  });
});

describe('guessing', () => {
  it('is slowed for invented API keys, and a user’s wrong token neither counts nor waits', async () => {
    const access = accessWith('jwt');
    const wrongToken = async () => (await refusal(() => access.identify(from(TOKEN)))).code;
    for (let count = 0; count < 20; count++) expect(await wrongToken()).toBe('unauthorized');
    const key = keys.add('issuer');
    expect(await access.identify(from(key))).toMatchObject({ kind: 'issuer' });
    const wrong = key.slice(0, -43) + 'x'.repeat(43);
    for (let count = 0; count < 10; count++) {
      expect((await refusal(() => access.identify(from(wrong)))).code).toBe('unauthorized');
    }
    expect((await refusal(() => access.identify(from(wrong)))).code).toBe('too-many-requests');
    expect(await access.identify(from(keys.add('issuer')))).toMatchObject({ kind: 'issuer' });
    expect(await wrongToken()).toBe('unauthorized');
    verifier.outcome = asUser('a');
    expect(access.identify(from(TOKEN))).toEqual(user);
  });
});

describe('what a caller reads', () => {
  const ALL = { withCodes: true, withClaimIds: true };

  it('with IDENTITY=open is of any user, and has codes and ids of claims only for roles that may see codes', () => {
    const access = accessWith('open');
    const nothing = { withCodes: false, withClaimIds: false };
    expect(access.readingOf(ANYONE, 'b')).toEqual({ userId: 'b', ...nothing });
    expect(access.readingOf(ANYONE, 'me')).toEqual({ userId: 'me', ...nothing });
    expect(access.readingOf(admin('viewer'), 'b')).toEqual({ userId: 'b', ...nothing });
    expect(access.readingOf(admin('operator'), 'b')).toEqual({ userId: 'b', ...ALL });
    expect(access.readingOf(issuer, 'b')).toEqual({ userId: 'b', ...ALL });
  });

  it('is of the user alone, whom `me` stands for', async () => {
    const access = accessWith('jwt');
    expect(access.readingOf(user, 'a')).toEqual({ userId: 'a', ...ALL });
    expect(access.readingOf(user, 'me')).toEqual({ userId: 'a', ...ALL });
    expect((await refusal(() => access.readingOf(user, 'b'))).code).toBe('not-your-user');
  });

  it.each(['key', 'jwt'] as const)('with IDENTITY=%s is of all users for issuers and operators', async (identity) => {
    const access = accessWith(identity);
    expect(access.readingOf(issuer, 'b')).toEqual({ userId: 'b', ...ALL });
    expect(access.readingOf(admin('operator'), 'b')).toEqual({ userId: 'b', ...ALL });
    expect(access.readingOf(admin('viewer'), 'b')).toEqual({ userId: 'b', withCodes: false, withClaimIds: true });
    for (const caller of [issuer, admin('viewer')]) {
      const problem = await refusal(() => access.readingOf(caller, 'me'));
      expect(problem.code).toBe('validation-failed');
      expect(problem.extensions?.errors).toMatchObject([{ in: 'path', pointer: '/userId' }]);
    }
    expect((await refusal(() => access.identify(from(keys.add('redeemer'))))).code).toBe('role-not-allowed');
  });

  it('is all for an operator who signed in as a user, whose own codes are there in any role', async () => {
    const access = accessWith('jwt');
    verifier.outcome = asUser('a', 'operator');
    const operator = access.identify(from(TOKEN)) as Caller;
    expect(access.readingOf(operator, 'b')).toEqual({ userId: 'b', ...ALL });
    verifier.outcome = asUser('a', 'viewer');
    const viewer = access.identify(from(TOKEN)) as Caller;
    expect(access.readingOf(viewer, 'me')).toEqual({ userId: 'a', ...ALL });
    expect(access.readingOf(viewer, 'b')).toEqual({ userId: 'b', withCodes: false, withClaimIds: true });
    verifier.outcome = asUser('a', 'redeemer');
    expect(access.identify(from(TOKEN))).toEqual(user);
    verifier.outcome = asUser('shop', 'issuer');
    const shop = access.identify(from(TOKEN)) as Caller;
    expect(shop).toEqual({
      kind: 'issuer',
      key: { id: 'jwt:shop', name: 'shop', role: 'issuer', expiresAt: Infinity },
    });
    expect(access.userOf(shop, 'b')).toBe('b');
    verifier.outcome = asUser('x'.repeat(125), 'issuer');
    expect((await refusal(() => access.identify(from(TOKEN)))).code).toBe('user-not-usable');
  });
});
