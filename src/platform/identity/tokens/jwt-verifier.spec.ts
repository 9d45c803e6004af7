import { createHmac, createSecretKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { type JWK } from 'jose';
import { Registry } from 'prom-client';
import { type JwtConfig } from '../../config/jwt-config.js';
import { Clock } from '../../flow/clock.js';
import { FileKeys, type IssuerKeys, KeysUnavailableError } from './issuer-keys.js';
import { JwtVerifier } from './jwt-verifier.js';
import { usableKeys } from './public-keys.js';
import { TokenMetrics } from './token.metrics.js';
import { type TokenGrounds, type TokenOutcome } from './token-verifier.js';

const NOW_S = 1_900_000_000;

class TestClock extends Clock {
  at = NOW_S * 1_000;
  override monotonic(): number {
    return this.at;
  }
  override wall(): number {
    return this.at;
  }
}

const ISSUER = 'https://login.example/realms/shop';
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const onlyRs = generateKeyPairSync('rsa', { modulusLength: 2048 });
const encryption = generateKeyPairSync('rsa', { modulusLength: 2048 });
const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const jwk = (key: KeyObject, over: JWK = {}): JWK => ({ ...(key.export({ format: 'jwk' }) as JWK), ...over });
const SET: readonly JWK[] = [
  jwk(rsa.publicKey, { kid: 'rsa' }),
  jwk(ec.publicKey, { kid: 'ec', alg: 'ES256', use: 'sig' }),
  jwk(ed.publicKey, { kid: 'ed' }),
  jwk(p384.publicKey, { kid: 'p384' }),
  jwk(onlyRs.publicKey, { kid: 'only-rs', alg: 'RS256' }),
  jwk(encryption.publicKey, { kid: 'enc', use: 'enc' }),
];

const text = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

type Signer = (input: string) => Buffer;
const es256 =
  (key: KeyObject): Signer =>
  (input) =>
    sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
const rs256 =
  (key: KeyObject): Signer =>
  (input) =>
    sign('sha256', Buffer.from(input), key);
const ps256 =
  (key: KeyObject): Signer =>
  (input) =>
    sign('sha256', Buffer.from(input), { key, padding: 6, saltLength: 32 });
const eddsa =
  (key: KeyObject): Signer =>
  (input) =>
    sign(null, Buffer.from(input), key);
const hs256 =
  (secret: string): Signer =>
  (input) =>
    createHmac('sha256', createSecretKey(Buffer.from(secret)))
      .update(input)
      .digest();

const CLAIMS = { iss: ISSUER, aud: 'coupons', sub: 'alice', iat: NOW_S - 10, exp: NOW_S + 300 };

/** A token with these members beside the usual ones; `undefined` leaves one out. A text is taken as it stands. */
function token(
  claims: object | string = {},
  header: object | string = {},
  signer: Signer = es256(ec.privateKey),
): string {
  const first = typeof header === 'string' ? header : { alg: 'ES256', kid: 'ec', typ: 'JWT', ...header };
  const second = typeof claims === 'string' ? claims : { ...CLAIMS, ...claims };
  const input = `${text(first)}.${text(second)}`;
  return `${input}.${signer(input).toString('base64url')}`;
}

const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const [head = '', body = '', signature = ''] = token().split('.');

/** `alice` where the token is right. */
const TABLE: [what: string, token: string, answer: string][] = [
  ['a right token, ES256', token(), 'alice'],
  ['EdDSA', token({}, { alg: 'EdDSA', kid: 'ed' }, eddsa(ed.privateKey)), 'alice'],
  ['RS256', token({}, { alg: 'RS256', kid: 'rsa' }, rs256(rsa.privateKey)), 'alice'],
  ['PS256 of the same key', token({}, { alg: 'PS256', kid: 'rsa' }, ps256(rsa.privateKey)), 'alice'],
  ['PS256 of a key that is for RS256', token({}, { alg: 'PS256', kid: 'only-rs' }, ps256(onlyRs.privateKey)), 'key'],
  ['RS256 signed with PSS padding', token({}, { alg: 'RS256', kid: 'rsa' }, ps256(rsa.privateKey)), 'signature'],
  ['RS512, which is not allowed', token({}, { alg: 'RS512', kid: 'rsa' }, rs256(rsa.privateKey)), 'algorithm'],
  ['alg none without a signature', `${text({ alg: 'none' })}.${body}.`, 'malformed'],
  ['alg none with one', `${text({ alg: 'none', kid: 'ec' })}.${body}.${signature}`, 'algorithm'],
  ['alg NonE', `${text({ alg: 'NonE', kid: 'ec' })}.${body}.${signature}`, 'algorithm'],
  ['no alg', token({}, JSON.stringify({ kid: 'ec' })), 'malformed'],
  ['alg as a list', token({}, { alg: ['ES256'] }), 'malformed'],
  ['HS256 with the public key as secret', token({}, { alg: 'HS256', kid: 'rsa' }, hs256(publicPem)), 'algorithm'],
  ['ES256 that is HMAC with the public key', token({}, {}, hs256(publicPem)), 'signature'],
  ['ES256 for the name of an RSA key', token({}, { kid: 'rsa' }), 'key'],
  ['a key of another curve', token({}, { kid: 'p384' }, es256(p384.privateKey)), 'key'],
  ['a key for encryption', token({}, { alg: 'RS256', kid: 'enc' }, rs256(encryption.privateKey)), 'key'],
  ['somebody else’s key', token({}, {}, es256(attacker.privateKey)), 'signature'],
  ['an embedded jwk', token({}, { jwk: jwk(attacker.publicKey) }, es256(attacker.privateKey)), 'signature'],
  ['an embedded jwk alone', token({}, { jwk: jwk(attacker.publicKey), kid: 'x' }, es256(attacker.privateKey)), 'key'],
  ['jku of the attacker', token({}, { jku: 'http://127.0.0.1:1/', kid: 'x' }, es256(attacker.privateKey)), 'key'],
  ['x5u of the attacker', token({}, { x5u: 'http://127.0.0.1:1/' }, es256(attacker.privateKey)), 'signature'],
  ['jku beside the right key, which is not asked', token({}, { jku: 'http://127.0.0.1:1/' }), 'alice'],
  ['x5c of the attacker', token({}, { x5c: [text('x')] }, es256(attacker.privateKey)), 'signature'],
  ['no kid', token({}, { kid: undefined }), 'alice'],
  ['no kid, somebody else’s key', token({}, { kid: undefined }, es256(attacker.privateKey)), 'signature'],
  ['kid as a path', token({}, { kid: '../../../dev/null' }), 'key'],
  ['kid of the prototype', token({}, { kid: '__proto__' }), 'key'],
  ['kid as a number', token({}, { kid: 1 }), 'key'],
  ['an unknown critical extension', token({}, { crit: ['exp2'], exp2: 1 }), 'malformed'],
  ['an empty crit', token({}, { crit: [] }), 'malformed'],
  ['a payload that is not encoded', token({}, { crit: ['b64'], b64: false }), 'malformed'],
  ['another issuer', token({ iss: 'https://login.example/realms/other' }), 'issuer'],
  ['an issuer with a slash more', token({ iss: `${ISSUER}/` }), 'issuer'],
  ['issuers as a list', token({ iss: [ISSUER] }), 'issuer'],
  ['no issuer', token({ iss: undefined }), 'issuer'],
  ['another audience', token({ aud: 'account' }), 'audience'],
  ['audiences, ours among them', token({ aud: ['account', 'coupons'] }), 'alice'],
  ['our second audience', token({ aud: 'coupons-app' }), 'alice'],
  ['audiences without ours', token({ aud: ['account', 'coupons2'] }), 'audience'],
  ['no audience', token({ aud: undefined }), 'audience'],
  ['expired for 29 s', token({ exp: NOW_S - 29 }), 'alice'],
  ['expired for 31 s', token({ exp: NOW_S - 31 }), 'expired'],
  ['no exp', token({ exp: undefined }), 'claims'],
  ['exp as text', token({ exp: String(NOW_S + 300) }), 'claims'],
  ['exp null', token({ exp: null }), 'claims'],
  ['exp without end', token(JSON.stringify(CLAIMS).replace(String(CLAIMS.exp), '1e999')), 'claims'],
  ['valid in 29 s', token({ nbf: NOW_S + 29 }), 'alice'],
  ['valid in 31 s', token({ nbf: NOW_S + 31 }), 'not-yet-valid'],
  ['nbf as text', token({ nbf: 'now' }), 'claims'],
  ['a refresh token of Keycloak', token({ typ: 'Refresh' }), 'type'],
  ['an offline token of Keycloak', token({ typ: 'Offline' }), 'type'],
  ['an access token of Keycloak', token({ typ: 'Bearer' }), 'alice'],
  ['a refresh token by its header', token({}, { typ: 'refresh' }), 'type'],
  ['a refresh token by its media type', token({}, { typ: 'application/refresh+jwt' }), 'type'],
  ['an access token of RFC 9068', token({}, { typ: 'AT+JWT' }), 'alice'],
  ['a logout token', token({ events: {} }, { typ: 'logout+jwt' }), 'type'],
  ['no typ', token({}, { typ: undefined }), 'alice'],
  ['another subject under the same signature', `${head}.${text({ ...CLAIMS, sub: 'bob' })}.${signature}`, 'signature'],
  ['truncated', token().slice(0, -10), 'signature'],
  ['without its last part', `${head}.${body}`, 'malformed'],
  ['blanks at its end', `${token()} `, 'malformed'],
  ['padding', `${token()}=`, 'malformed'],
  ['a token within a token', token(token(), { cty: 'JWT' }), 'malformed'],
  ['an encrypted token', `${text({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.a.b.c.d`, 'malformed'],
  [
    'JSON serialization with two signatures',
    JSON.stringify({
      payload: body,
      signatures: [
        { protected: head, signature },
        { protected: head, signature },
      ],
    }),
    'malformed',
  ],
  ['huge', token({ groups: 'x'.repeat(6_000) }), 'too-long'],
  ['a header that is a list', token({}, '["ES256"]'), 'malformed'],
  ['a header that is no JSON', token({}, '{"alg":"ES256"'), 'malformed'],
  ['a payload that is a list', token('[]'), 'malformed'],
  [
    'a payload that is no UTF-8',
    token().replace(body, Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')),
    'signature',
  ],
  // RFC 7515 and 7519 §4: the last of two members counts. The issuer has signed both.
  ['two members of one name', token(JSON.stringify(CLAIMS).replace('"sub"', '"sub":"bob","sub"')), 'alice'],
  ['two alg, the last one none', token({}, '{"alg":"ES256","kid":"ec","alg":"none"}'), 'algorithm'],
  ['a subject with blanks', token({ sub: 'al ice' }), 'unusable-user'],
  ['a subject with control characters', token({ sub: 'alice\u0000' }), 'unusable-user'],
  ['a subject that paths take for the caller', token({ sub: 'me' }), 'unusable-user'],
  ['an empty subject', token({ sub: '' }), 'unusable-user'],
  ['a subject that is too long', token({ sub: 'a'.repeat(129) }), 'unusable-user'],
  ['no subject', token({ sub: undefined }), 'unusable-user'],
  ['a subject that is a list', token({ sub: ['alice'] }), 'unusable-user'],
];

let clock: TestClock;
let registry: Registry;

function verifierWith(
  over: Partial<JwtConfig> = {},
  keys: IssuerKeys = new FileKeys(usableKeys(SET, ALGORITHMS)),
): JwtVerifier {
  registry = new Registry();
  const config = {
    issuer: ISSUER,
    audiences: ['coupons', 'coupons-app'],
    algorithms: ALGORITHMS,
    keys: { kind: 'url' as const, url: 'https://issuer.example/keys' },
    userClaim: 'sub',
    roleClaim: undefined,
    ...over,
  };
  return new JwtVerifier(config, keys, clock, new TokenMetrics(registry));
}

const answerOf = (outcome: TokenOutcome): string => {
  if (outcome.kind === 'user') return outcome.userId;
  return outcome.kind === 'invalid' ? outcome.why : outcome.kind;
};

beforeEach(() => {
  clock = new TestClock();
});

describe('a token', () => {
  it.each(TABLE)('%s', async (_what, candidate, answer) => {
    const verifier = verifierWith();
    expect(answerOf(await verifier.verify(candidate))).toBe(answer);
    const label = answer === 'alice' ? 'verified' : answer.replaceAll('-', '_');
    expect(await registry.metrics()).toContain(`coupon_tokens_verified_total{outcome="${label}"} 1`);
    // The second answer is the first one, from memory or not.
    expect(answerOf(await verifier.verify(candidate))).toBe(answer);
  });

  it('says when it ends', async () => {
    expect(await verifierWith().verify(token())).toEqual({
      kind: 'user',
      userId: 'alice',
      role: null,
      expiresAt: (NOW_S + 300) * 1_000,
    });
  });

  it('names its user by another claim, also as a number or further inside', async () => {
    const withNumber = token({ customer: 4711, person: { id: 'p-1' }, sub: 'a b' });
    expect(answerOf(await verifierWith({ userClaim: 'customer' }).verify(withNumber))).toBe('4711');
    expect(answerOf(await verifierWith({ userClaim: 'person.id' }).verify(withNumber))).toBe('p-1');
    expect(answerOf(await verifierWith({ userClaim: 'person' }).verify(withNumber))).toBe('unusable-user');
    expect(answerOf(await verifierWith({ userClaim: 'constructor.name' }).verify(withNumber))).toBe('unusable-user');
  });

  it.each<[string, unknown, string, string | null]>([
    ['a text', { role: 'operator' }, 'role', 'operator'],
    ['a list', { roles: ['offline_access', 'viewer'] }, 'roles', 'viewer'],
    ['several, the one that may most', { roles: ['viewer', 'issuer', 'admin', 'operator'] }, 'roles', 'admin'],
    ['a path', { realm_access: { roles: ['admin'] } }, 'realm_access.roles', 'admin'],
    ['a name with dots', { 'https://shop.example/roles': ['issuer'] }, 'https://shop.example/roles', 'issuer'],
    ['another case', { role: 'Admin' }, 'role', null],
    ['a role that does not exist', { role: 'root' }, 'role', null],
    ['an object', { role: { admin: true } }, 'role', null],
    ['nothing', {}, 'role', null],
    ['a path through a list', { roles: ['admin'] }, 'roles.0', null],
  ])('gives a role by %s', async (_what, claims, roleClaim, role) => {
    expect(await verifierWith({ roleClaim }).verify(token(claims as object))).toMatchObject({ kind: 'user', role });
  });

  it('gives no role where no claim is named for it', async () => {
    expect(await verifierWith().verify(token({ role: 'admin' }))).toMatchObject({ role: null });
  });
});

describe('what outlives a token', () => {
  const standing = (grounds: TokenGrounds, over: Partial<JwtConfig> = {}, set: readonly JWK[] = SET) =>
    verifierWith(over, new FileKeys(usableKeys(set, ALGORITHMS))).standingOf(grounds);
  const grounds = () => verifierWith().groundsOf(token());

  it('goes on in another process of the same settings', async () => {
    expect(await standing(grounds())).toBe('good');
    expect(await standing({ ...grounds(), kid: null })).toBe('good');
  });

  it('ends when the issuer has withdrawn the key', async () => {
    const { kid } = grounds();
    expect(
      await standing(
        grounds(),
        {},
        SET.filter((key) => key.kid !== kid),
      ),
    ).toBe('over');
  });

  it.each<[string, Partial<JwtConfig>]>([
    ['issuer', { issuer: 'https://other.example' }],
    ['audience', { audiences: ['coupons'] }],
    ['algorithms', { algorithms: ['RS256'] }],
    ['user', { userClaim: 'email' }],
    ['role', { roleClaim: 'roles' }],
    ['keys', { keys: { kind: 'file', keys: SET } }],
  ])('ends when the settings say another %s', async (_what, over) => {
    expect(await standing(grounds(), over)).toBe('over');
  });

  it('is not judged before the provider has told its keys', async () => {
    const none = {
      find: () => Promise.reject(new KeysUnavailableError('away')),
      generation: 0,
    } as unknown as IssuerKeys;
    expect(await verifierWith({}, none).standingOf(grounds())).toBe('unknown');
  });
});

describe('a token that was verified', () => {
  it('is answered from memory, at once, for a minute', async () => {
    const verifier = verifierWith();
    const candidate = token();
    const first = await verifier.verify(candidate);
    expect(verifier.verify(candidate)).toBe(first);
    expect(await registry.metrics()).toContain('outcome="remembered"} 1');
    clock.at += 59_999;
    expect(verifier.verify(candidate)).toBe(first);
    clock.at += 1;
    expect(verifier.verify(candidate)).toBeInstanceOf(Promise);
  });

  it('is not remembered beyond its end', async () => {
    const verifier = verifierWith();
    const candidate = token({ exp: NOW_S + 5 });
    await verifier.verify(candidate);
    clock.at += 34_999;
    expect(answerOf(verifier.verify(candidate) as TokenOutcome)).toBe('alice');
    clock.at += 1;
    expect(answerOf(await verifier.verify(candidate))).toBe('expired');
  });

  it('is not remembered when it was refused', async () => {
    const verifier = verifierWith();
    const candidate = token({ nbf: NOW_S + 31 });
    expect(answerOf(await verifier.verify(candidate))).toBe('not-yet-valid');
    clock.at += 1_000;
    expect(answerOf(await verifier.verify(candidate))).toBe('alice');
  });
});

describe('a token of an operator', () => {
  it('is known from its first verification until its end', async () => {
    const verifier = verifierWith({ roleClaim: 'role' });
    const operator = token({ role: 'operator' });
    expect(verifier.isKnownAdmin(operator)).toBe(false);
    await verifier.verify(operator);
    for (const at of [0, 60_000, 329_999]) {
      clock.at = NOW_S * 1_000 + at;
      expect(verifier.isKnownAdmin(operator)).toBe(true);
    }
    clock.at += 1;
    expect(verifier.isKnownAdmin(operator)).toBe(false);
  });

  it.each(['issuer', 'redeemer', 'root', undefined])('is not one with the role %s', async (role) => {
    const verifier = verifierWith({ roleClaim: 'role' });
    await verifier.verify(token({ role }));
    expect(verifier.isKnownAdmin(token({ role }))).toBe(false);
  });

  it('is forgotten when it is refused, and is never more than a token of usual length', async () => {
    const keys = new FileKeys(usableKeys(SET, ALGORITHMS));
    const verifier = verifierWith({ roleClaim: 'role' }, keys);
    const operator = token({ role: 'viewer' });
    await verifier.verify(operator);
    keys.find = () => Promise.resolve([]);
    clock.at += 60_000;
    expect(verifier.isKnownAdmin(operator)).toBe(true);
    expect(answerOf(await verifier.verify(operator))).toBe('key');
    expect(verifier.isKnownAdmin(operator)).toBe(false);
    expect(verifier.isKnownAdmin('x'.repeat(7_000))).toBe(false);
  });
});
