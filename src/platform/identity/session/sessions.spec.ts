import { randomFillSync } from 'node:crypto';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { TEST_TOKEN, TestKeys, TestToken } from '../../../../test/support/api-keys.js';
import { SetClock } from '../../../../test/support/flow.js';
import { newSessionKey, requestOf, TestRecords } from '../../../../test/support/sessions.js';
import { parseEnv } from '../../config/env.js';
import { SystemEntropy } from '../../flow/entropy.js';
import { type ProblemCode } from '../../http/problem/problem-catalogue.js';
import { type Problem } from '../../http/problem/problem.js';
import { type Actor, BOOTSTRAP } from '../actor.js';
import { AdminAccess } from '../admin-access.js';
import { type AdminToken } from '../admin-token.js';
import { type ApiKey, readKey } from '../api-key.js';
import { Authenticator } from '../authenticator.js';
import { actorOf } from '../tokens/token-actor.js';
import { NoTokens, type TokenGrounds, type TokenVerifier } from '../tokens/token-verifier.js';
import { sessionCookieIn } from './session-cookie.js';
import { sealSession } from './session-seal.js';
import { SESSION_MS, Sessions } from './sessions.js';
import { tokenSessionKey } from './token-session-key.js';

const HOUR_MS = 3_600_000;
const GROUNDS: TokenGrounds = { settings: 's', alg: 'ES256', kid: null };
let standing: 'good' | 'over' | 'unknown';
const TOKENS = {
  isOn: true,
  groundsOf: () => GROUNDS,
  standingOf: (grounds: TokenGrounds) => {
    expect(grounds).toEqual(GROUNDS);
    return Promise.resolve(standing);
  },
} as unknown as TokenVerifier;

class ChangedToken extends TestToken {
  override readonly value: string = `${TEST_TOKEN}-changed`;
}

class FormerToken extends ChangedToken {
  override readonly next: string | undefined = TEST_TOKEN;
}

let clock: SetClock;
let keys: TestKeys;
let records: TestRecords;
let sessions: Sessions;

beforeEach(() => {
  clock = new SetClock();
  standing = 'good';
  keys = new TestKeys();
  records = new TestRecords();
  sessions = sessionsWith();
});

function sessionsWith({ token = new TestToken() as AdminToken, tokens = TOKENS, env = {} } = {}): Sessions {
  return new Sessions(parseEnv(env), records, keys, token, tokens, clock, new SystemEntropy());
}

/** The value of the cookie that the credential begins. */
async function begin(actor: Actor, credential = 'unused', by = sessions): Promise<string> {
  return (await by.begin(actor, credential)).text;
}

function addKey(role: 'viewer' | 'operator', over: { expiresAt?: number } = {}): Actor {
  const { id = '' } = readKey(keys.add(role, over)) ?? {};
  return keys.stored.get(id) as Actor;
}

const withCookie = (value: string, headers: Record<string, string> = {}) =>
  requestOf({ cookie: `coupon-session=${value}`, ...headers });

const kindOf = async (value: string, by = sessions): Promise<string> => (await by.find(withCookie(value))).kind;

describe('a session', () => {
  it('names the actor of its key with the role that the key has now', async () => {
    const key = addKey('viewer');
    const cookie = await begin(key);
    expect(await sessions.find(withCookie(cookie))).toMatchObject({
      kind: 'live',
      actor: { id: key.id, name: 'a viewer', role: 'viewer', expiresAt: clock.wall() + SESSION_MS },
    });
    keys.stored.set(key.id, { ...(keys.stored.get(key.id) as ApiKey), role: 'operator' });
    expect(await sessions.find(withCookie(cookie))).toMatchObject({ actor: { role: 'operator' } });
    // It is a use of the key.
    expect(keys.used).toEqual([key.id, key.id]);
  });

  it('says nothing of its holder to who has the cookie, and is another text each time', async () => {
    const key = addKey('operator');
    const [one, two] = [await begin(key), await begin(key)];
    expect(one).not.toBe(two);
    expect(Buffer.from(one.split('.')[2] ?? '', 'base64url').includes(key.id)).toBe(false);
    expect(one.length).toBeLessThan(400);
  });

  it('lasts 8 h, and never longer than its credential', async () => {
    const forever = await begin(addKey('viewer'));
    const short = await begin(addKey('viewer', { expiresAt: clock.wall() + HOUR_MS }));
    const byToken = await begin(actorOf('kim', 'operator', clock.wall() + HOUR_MS));
    clock.pass(HOUR_MS - 1);
    expect([await kindOf(forever), await kindOf(short), await kindOf(byToken)]).toEqual(['live', 'live', 'live']);
    clock.pass(1);
    expect([await kindOf(forever), await kindOf(short), await kindOf(byToken)]).toEqual(['live', 'over', 'over']);
    clock.pass(SESSION_MS - HOUR_MS - 1);
    expect(await kindOf(forever)).toBe('live');
    clock.pass(1);
    expect(await kindOf(forever)).toBe('over');
  });

  it('ends when its key is revoked, is gone, or ends earlier than it was to', async () => {
    const over = { revokedAt: 1, expiresAt: clock.wall() };
    for (const change of ['revokedAt', 'expiresAt'] as const) {
      const key = addKey('operator');
      const cookie = await begin(key);
      keys.stored.set(key.id, { ...(keys.stored.get(key.id) as ApiKey), [change]: over[change] });
      expect([change, await kindOf(cookie)]).toEqual([change, 'over']);
    }
    const key = addKey('operator');
    const cookie = await begin(key);
    keys.stored.delete(key.id);
    expect(await kindOf(cookie)).toBe('over');
  });

  it('of the admin token ends with the token, and outlives a change to a second one', async () => {
    const cookie = await begin(BOOTSTRAP, TEST_TOKEN);
    expect(await sessions.find(withCookie(cookie))).toMatchObject({ actor: { id: 'bootstrap', role: 'admin' } });
    expect(await kindOf(cookie, sessionsWith({ token: new FormerToken() }))).toBe('live');
    expect(await kindOf(cookie, sessionsWith({ token: new ChangedToken() }))).toBe('over');
  });

  describe('while the database is away', () => {
    const AWAY = new Error('away');
    const processes = () => [sessions, sessionsWith(), sessionsWith({ token: new FormerToken() })];

    it('begins with ADMIN_TOKEN, for an hour, and every process that takes the token opens it', async () => {
      records.away = AWAY;
      const cookie = await begin(BOOTSTRAP, TEST_TOKEN);
      for (const by of processes()) {
        expect(await by.find(withCookie(cookie))).toMatchObject({ kind: 'live', actor: { id: 'bootstrap' } });
      }
      expect(await begin(BOOTSTRAP, TEST_TOKEN)).not.toBe(cookie);
      clock.pass(HOUR_MS - 1);
      expect(await kindOf(cookie)).toBe('live');
      clock.pass(1);
      expect(await kindOf(cookie)).toBe('over');
    });

    it('begins with ADMIN_TOKEN_NEXT as well, and ends with the token', async () => {
      const both = sessionsWith({ token: new FormerToken() });
      records.away = AWAY;
      const cookie = await begin(BOOTSTRAP, `${TEST_TOKEN}-changed`, both);
      expect(await kindOf(cookie, both)).toBe('live');
      records.away = null;
      expect([await kindOf(cookie, sessionsWith({ token: new ChangedToken() })), await kindOf(cookie)]).toEqual([
        'live',
        'refused',
      ]);
    });

    it('that began so is over after a sign-out, once the database answers again', async () => {
      records.away = AWAY;
      const { session, text } = await sessions.begin(BOOTSTRAP, TEST_TOKEN);
      records.away = null;
      expect(await kindOf(text)).toBe('live');
      records.ended.add(session.id);
      expect(await kindOf(text)).toBe('over');
    });

    it('lets nobody seal a session of another one with the token', async () => {
      const { id } = addKey('operator');
      const expiresAt = clock.wall() + HOUR_MS;
      const key = tokenSessionKey(new TestToken(), TEST_TOKEN);
      for (const holder of [
        { kind: 'key' as const, id },
        { kind: 'token' as const, userId: 'kim', role: 'admin' as const, grounds: GROUNDS },
      ]) {
        const cookie = sealSession({ id: 'forged', holder, expiresAt }, key, (bytes) => void randomFillSync(bytes));
        expect([holder.kind, await kindOf(cookie)]).toEqual([holder.kind, 'refused']);
      }
    });

    it('begins with no key, and is no session of a key while nobody can say whether it was ended', async () => {
      const key = addKey('operator');
      const cookie = await begin(key);
      records.away = AWAY;
      await expect(begin(key)).rejects.toThrow('away');
      jest.spyOn(records, 'keys').mockResolvedValue(records.sealing);
      await expect(sessions.find(withCookie(cookie))).rejects.toThrow('away');
    });
  });

  it('of a token keeps its user and role, and is over where no tokens are taken', async () => {
    const cookie = await begin(actorOf('auth0|kim', 'operator', clock.wall() + HOUR_MS));
    expect(await sessions.find(withCookie(cookie))).toMatchObject({
      actor: { id: 'jwt:auth0|kim', name: 'auth0|kim', role: 'operator' },
    });
    expect(await kindOf(cookie, sessionsWith({ tokens: new NoTokens() }))).toBe('over');
  });

  it('of a token ends with what made the token good, and is not judged while that is not known', async () => {
    const cookie = await begin(actorOf('auth0|kim', 'admin', clock.wall() + HOUR_MS));
    standing = 'unknown';
    await expect(kindOf(cookie)).rejects.toMatchObject({ code: 'identity-unavailable' });
    standing = 'over';
    expect(await kindOf(cookie)).toBe('over');
    standing = 'good';
    expect(await kindOf(cookie)).toBe('live');
  });

  it('is over after a sign-out, also for who has copied the cookie', async () => {
    const { session, text } = await sessions.begin(addKey('viewer'), 'unused');
    const other = await begin(addKey('viewer'));
    records.ended.add(session.id);
    expect([await kindOf(text), await kindOf(other)]).toEqual(['over', 'live']);
  });

  it('opens with each key in use, is sealed with the first, and opens with none that is retired', async () => {
    const old = await begin(addKey('viewer'));
    const rotated = newSessionKey('two');
    records.sealing = [rotated, ...records.sealing];
    expect(await kindOf(old)).toBe('live');
    const young = await begin(addKey('viewer'));
    expect(young).toMatch(/^v1\.two\./);
    records.sealing = [rotated];
    expect([await kindOf(old), await kindOf(young)]).toEqual(['refused', 'live']);
  });

  it.each<[string, (cookie: string) => string]>([
    [
      'one letter is another one',
      (cookie) => cookie.slice(0, 60) + (cookie[60] === 'A' ? 'B' : 'A') + cookie.slice(61),
    ],
    ['it is cut off', (cookie) => cookie.slice(0, -1)],
    ['its tag is cut off', (cookie) => cookie.slice(0, -22)],
    ['something is behind it', (cookie) => `${cookie}A`],
    ['its last letter is another one for the same bytes', sameBytes],
    ['it names another key', (cookie) => cookie.replace('v1.one.', 'v1.two.')],
    ['it names another version', (cookie) => cookie.replace('v1.', 'v2.')],
    ['it holds a line break', (cookie) => `${cookie}\nA`],
    ['it is empty inside', () => 'v1.one.'],
    ['it is no cookie of this service', () => 'true'],
    ['another installation has sealed it', () => forgedWith({})],
    ['it grants a role that is for no operator', () => forgedWith({ role: 'issuer', ownKey: true })],
  ])('is none where %s', async (_what, change) => {
    const cookie = await begin(actorOf('kim', 'operator', null));
    records.sealing.push({ ...newSessionKey('two') });
    expect(await kindOf(cookie)).toBe('live');
    expect(['refused', 'absent']).toContain(await kindOf(change(cookie)));
  });

  it('is none where two cookies have its name: which comes first is up to who planted one', async () => {
    const cookie = await begin(addKey('viewer'));
    const two = requestOf({ cookie: `coupon-session=${cookie}; coupon-session=${cookie}` });
    expect((await sessions.find(two)).kind).toBe('absent');
    const among = requestOf({ cookie: `a=1; coupon-session=${cookie}; x-coupon-session=2` });
    expect((await sessions.find(among)).kind).toBe('live');
    expect(sessionCookieIn(`coupon-session=${'x'.repeat(1_201)}`)).toBeNull();
  });

  it('opens admin calls alone', async () => {
    const cookie = `coupon-session=${await begin(addKey('operator'))}`;
    for (const url of [
      '/api/campaigns/c/claims/u',
      '/api/coupons/apply',
      '/api/administration',
      '/api/admin',
      '/x/api/admin/keys',
    ]) {
      expect([url, (await sessions.find(requestOf({ cookie }, { url }))).kind]).toEqual([url, 'absent']);
    }
  });

  const forgedWith = ({ role = 'operator', ownKey = false }: { role?: string; ownKey?: boolean }): string =>
    sealSession(
      {
        id: 'x',
        holder: { kind: 'token', userId: 'kim', role: role as 'operator', grounds: GROUNDS },
        expiresAt: clock.wall() + 1_000,
      },
      ownKey ? (records.sealing[0] as never) : newSessionKey('one'),
      (bytes) => void randomFillSync(bytes),
    );
});

/** Another text that base64url decoders read as the same bytes, where there is one. */
function sameBytes(cookie: string): string {
  const bytes = (text: string) => Buffer.from(text.split('.')[2] ?? '', 'base64url').toString('hex');
  const others = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
    .map((letter) => cookie.slice(0, -1) + letter)
    .filter((text) => text !== cookie && bytes(text) === bytes(cookie));
  return others[0] ?? `${cookie}=`;
}

describe('a call by session', () => {
  const SAME = { origin: 'http://localhost:3000', 'x-requested-with': 'console' };
  const codeOf = async (
    method: string,
    headers: Record<string, string>,
    over = {},
  ): Promise<ProblemCode | 'entered'> => {
    const access = new AdminAccess(new Authenticator(new TestToken(), keys, clock), clock, TOKENS, sessions);
    const cookie = `coupon-session=${await begin(addKey('operator'))}`;
    return access.enter(requestOf({ cookie, ...headers }, { method, ...over }), 'operator').then(
      () => 'entered' as const,
      (problem: Problem) => problem.code,
    );
  };

  it.each<[string, Record<string, string>, string?]>([
    ['a page of this machine', SAME],
    ['a page over TLS', { ...SAME, origin: 'https://coupons.example' }, 'coupons.example'],
    ['a page over TLS, with the port in Host', { ...SAME, origin: 'https://coupons.example' }, 'Coupons.Example:443'],
    ['another port', { ...SAME, origin: 'https://coupons.example:8443' }, 'coupons.example:8443'],
    ['IPv6', { ...SAME, origin: 'http://[::1]:3000' }, '[::1]:3000'],
    ['a browser that says so', { ...SAME, 'sec-fetch-site': 'same-origin' }],
  ])('may change something from %s', async (_what, headers, host = 'localhost:3000') => {
    expect(await codeOf('POST', headers, { host })).toBe('entered');
  });

  it.each<[string, Record<string, string>, string?]>([
    ['no header at all', {}],
    ['no Origin', { 'x-requested-with': 'console' }],
    ['no X-Requested-With', { origin: SAME.origin }],
    ['a form of another page', { origin: 'https://evil.example', 'content-type': 'application/x-www-form-urlencoded' }],
    ['another origin', { ...SAME, origin: 'https://evil.example' }],
    ['another port of the same host', { ...SAME, origin: 'http://localhost:3001' }],
    ['a neighbouring host name', { ...SAME, origin: 'https://evil.coupons.example' }, 'coupons.example'],
    ['a host name that begins alike', { ...SAME, origin: 'https://coupons.example.evil.com' }, 'coupons.example'],
    ['the origin null', { ...SAME, origin: 'null' }],
    ['an empty origin', { ...SAME, origin: '' }],
    ['an origin with a path', { ...SAME, origin: 'http://localhost:3000/' }],
    ['two origins', { ...SAME, origin: 'http://localhost:3000, http://localhost:3000' }],
    ['plain HTTP from another machine', { ...SAME, origin: 'http://coupons.example' }, 'coupons.example'],
    ['the port of plain HTTP under https', { ...SAME, origin: 'https://coupons.example' }, 'coupons.example:80'],
    ['an extension', { ...SAME, origin: 'chrome-extension://abcdefgh' }],
    ['a page of the same site', { ...SAME, 'sec-fetch-site': 'same-site' }],
    ['a page of another site', { ...SAME, 'sec-fetch-site': 'cross-site' }],
  ])('may not change anything with %s', async (_what, headers, host = 'localhost:3000') => {
    for (const method of ['POST', 'PATCH', 'PUT', 'DELETE']) {
      expect([method, await codeOf(method, headers, { host })]).toEqual([method, 'not-same-origin']);
    }
  });

  it('may read without these headers, unless the browser says that another page asks', async () => {
    for (const method of ['GET', 'HEAD']) {
      expect(await codeOf(method, {})).toBe('entered');
      expect(await codeOf(method, { 'sec-fetch-site': 'none' })).toBe('entered');
      expect(await codeOf(method, { 'sec-fetch-site': 'same-site' })).toBe('not-same-origin');
    }
  });

  it('is told that the session is over only if the installation has sealed it', async () => {
    const access = new AdminAccess(new Authenticator(new TestToken(), keys, clock), clock, TOKENS, sessions);
    const ask = (headers: Record<string, string>) =>
      access.enter(requestOf(headers), 'viewer').then(
        () => ['entered'],
        (problem: Problem) => [problem.code, problem.headers?.['www-authenticate']],
      );
    const cookie = await begin(addKey('operator'));
    clock.pass(SESSION_MS);
    const refused = 'Bearer realm="admin", error="invalid_token"';
    expect(await ask({ cookie: `coupon-session=${cookie}` })).toEqual(['session-expired', refused]);
    expect(await ask({ cookie: `coupon-session=${cookie.slice(0, -1)}` })).toEqual(['unauthorized', refused]);
    expect(await ask({})).toEqual(['unauthorized', 'Bearer realm="admin"']);
  });

  it('with a credential besides is the call of the credential, also where that is wrong', async () => {
    const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
    expect(await codeOf('POST', bearer(TEST_TOKEN))).toBe('entered');
    expect(await codeOf('GET', bearer(keys.add('viewer')))).toBe('role-not-allowed');
    expect(await codeOf('GET', bearer('a-wrong-token-0123'))).toBe('unauthorized');
  });

  it('counts no cookie as a guess, since nobody can guess one', async () => {
    const access = new AdminAccess(new Authenticator(new TestToken(), keys, clock), clock, new NoTokens(), sessions);
    const forged = requestOf({ cookie: `coupon-session=v1.one.${'A'.repeat(80)}` });
    for (let count = 0; count < 20; count++) {
      await expect(access.enter(forged, 'viewer')).rejects.toMatchObject({ code: 'unauthorized' });
    }
    expect(await access.enter(requestOf({ authorization: `Bearer ${TEST_TOKEN}` }), 'admin')).toMatchObject(BOOTSTRAP);
  });
});

describe('the cookie', () => {
  const cookieOf = async (
    headers: Record<string, string> = {},
    over: Parameters<typeof requestOf>[1] = {},
    env = {},
  ): Promise<string> => {
    const own = sessionsWith({ env });
    return own.cookieFor(requestOf(headers, over), await own.begin(BOOTSTRAP, TEST_TOKEN));
  };

  it('is for admin calls of this service, and for no script', async () => {
    expect(await cookieOf()).toMatch(
      /^coupon-session=v1\.\S+; Max-Age=28800; Path=\/api\/admin; HttpOnly; SameSite=Strict$/,
    );
    expect(await cookieOf({}, {}, { BASE_PATH: '/shop/coupons' })).toContain('; Path=/shop/coupons/api/admin;');
    expect(sessions.cookieFor(requestOf(), null)).toBe(
      'coupon-session=; Max-Age=0; Path=/api/admin; HttpOnly; SameSite=Strict',
    );
  });

  it.each<[string, Record<string, string>, Parameters<typeof requestOf>[1]]>([
    ['another host name', {}, { host: 'coupons.example' }],
    ['a name that begins like this machine', {}, { host: 'localhost.evil.example' }],
    ['no host', {}, { host: '' }],
    ['a caller from another machine', {}, { peer: '192.0.2.9' }],
    ['a proxy on this machine', { 'x-forwarded-for': '192.0.2.9' }, {}],
    ['a proxy that speaks TLS', { 'x-forwarded-proto': 'https' }, {}],
    ['a page over TLS', { origin: 'https://localhost:3000' }, {}],
  ])('goes over TLS alone with %s', async (_what, headers, over) => {
    expect(await cookieOf(headers, over)).toMatch(/; Secure$/);
  });

  it.each(['localhost', '127.0.0.1:3000', '[::1]:3000', '127.8.9.1'])('may go over plain HTTP to %s', async (host) => {
    expect(await cookieOf({}, { host, peer: '::ffff:127.0.0.1' })).not.toContain('Secure');
  });
});
