import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type JwtConfig, readJwtConfig } from './jwt-config.js';
import { parseEnv } from './env.js';
import { ConfigurationError } from './startup-error.js';

const URL_OF_KEYS = 'https://login.example/realms/shop/certs';
const JWT = {
  IDENTITY: 'jwt',
  JWT_ISSUER: 'https://login.example',
  JWT_AUDIENCE: 'coupons',
  JWT_JWKS_URL: URL_OF_KEYS,
};

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'coupon-jwt-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(content: string): string {
  const path = join(directory, `${Math.random()}.pem`);
  writeFileSync(path, content);
  return path;
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const short = generateKeyPairSync('rsa', { modulusLength: 1024 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key: typeof rsa.publicKey, type: 'spki' | 'pkcs8' = 'spki') =>
  key.export({ type, format: 'pem' }).toString();

/** The lines of a start with these variables; empty when it starts. */
function mistakesOf(source: Record<string, string | undefined>): readonly string[] {
  try {
    parseEnv({ ...JWT, ...source });
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.mistakes;
    throw error;
  }
}

const configOf = (source: Record<string, string | undefined>): JwtConfig | undefined =>
  parseEnv({ ...JWT, ...source }).jwt;

describe('the variables of tokens', () => {
  it('have defaults beside issuer, audience and keys', () => {
    expect(configOf({ JWT_AUDIENCE: 'coupons, app' })).toEqual({
      issuer: 'https://login.example',
      audiences: ['coupons', 'app'],
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      keys: { kind: 'url', url: URL_OF_KEYS },
      userClaim: 'sub',
      roleClaim: undefined,
    });
  });

  it.each<[string, Record<string, string | undefined>, RegExp]>([
    ['no issuer', { JWT_ISSUER: undefined }, /^JWT_ISSUER: expected a value, because IDENTITY is jwt; it is not set$/],
    ['no audience', { JWT_AUDIENCE: undefined }, /^JWT_AUDIENCE: expected a value/],
    ['an empty audience', { JWT_AUDIENCE: 'a,,b' }, /^JWT_AUDIENCE: expected the text/],
    ['no keys', { JWT_JWKS_URL: undefined }, /^JWT_JWKS_URL: expected the URL of the key set, or JWT_PUBLIC_KEY_FILE/],
    ['a URL of a file', { JWT_JWKS_URL: 'file:///etc/passwd' }, /^JWT_JWKS_URL: expected an https/],
    [
      'a URL with a password',
      { JWT_JWKS_URL: 'https://a:b@login.example/' },
      /^JWT_JWKS_URL: expected .* without user/,
    ],
    ['no URL', { JWT_JWKS_URL: 'login.example' }, /^JWT_JWKS_URL/],
    ['the algorithm none', { JWT_ALGORITHMS: 'RS256,none' }, /^JWT_ALGORITHMS: expected asymmetric .* never none/],
    ['a shared secret', { JWT_ALGORITHMS: 'HS256' }, /^JWT_ALGORITHMS: expected asymmetric .* never HS256/],
    ['an unknown algorithm', { JWT_ALGORITHMS: 'RS257' }, /^JWT_ALGORITHMS: expected a list out of RS256/],
    ['a claim with blanks', { JWT_USER_CLAIM: 'a b' }, /^JWT_USER_CLAIM: expected the name of a claim/],
    ['a role claim with blanks', { JWT_ROLE_CLAIM: 'a b' }, /^JWT_ROLE_CLAIM: expected the name of a claim/],
    ['tokens without IDENTITY=jwt', { IDENTITY: undefined }, /^IDENTITY: expected jwt, because of JWT_ISSUER/],
  ])('stop the start: %s', (_what, source, line) => {
    expect(mistakesOf(source)).toEqual([expect.stringMatching(line)]);
  });
});

describe('JWT_PUBLIC_KEY_FILE', () => {
  const withFile = (content: string) => ({ JWT_JWKS_URL: undefined, JWT_PUBLIC_KEY_FILE: file(content) });

  it.each<[string, () => string, number]>([
    ['a key in PEM', () => pem(rsa.publicKey), 1],
    ['two keys in PEM', () => `# old\n${pem(rsa.publicKey)}\n# new\n${pem(ec.publicKey)}`, 2],
    ['a key set', () => JSON.stringify({ keys: [{ ...ec.publicKey.export({ format: 'jwk' }), kid: '1' }] }), 1],
    ['one key as JSON', () => JSON.stringify(ec.publicKey.export({ format: 'jwk' })), 1],
    [
      'a usable key among others',
      () => JSON.stringify({ keys: [{ kty: 'x' }, ec.publicKey.export({ format: 'jwk' })] }),
      1,
    ],
  ])('holds %s', (_what, content, count) => {
    expect(configOf(withFile(content()))?.keys).toMatchObject({ kind: 'file', keys: { length: count } });
  });

  it.each<[string, () => string, RegExp]>([
    ['a private key in PEM', () => pem(rsa.privateKey, 'pkcs8'), /expected public keys; a private key stands there/],
    ['a private key as JSON', () => JSON.stringify(ec.privateKey.export({ format: 'jwk' })), /a private key stands/],
    ['a shared secret', () => JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA' }] }), /a private key stands/],
    ['a short RSA key', () => pem(short.publicKey), /expected a public key for RS256,.*2048 bits/],
    ['half a key', () => pem(rsa.publicKey).slice(0, 200), /expected public keys in PEM; no whole one/],
    ['a broken key', () => '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', /PEM that can be read/],
    ['something else', () => 'hello', /expected public keys in PEM or as a JSON Web Key Set/],
    ['a list', () => '[]', /expected public keys in PEM or/],
    ['no key', () => '{"keys":[]}', /expected a public key for RS256/],
  ])('stops the start with %s', (_what, content, line) => {
    expect(mistakesOf(withFile(content()))).toEqual([expect.stringMatching(/^JWT_PUBLIC_KEY_FILE: /)]);
    expect(mistakesOf(withFile(content()))[0]).toMatch(line);
  });

  it('stops the start when there is no such file, no key for the algorithms, or a URL beside it', () => {
    expect(mistakesOf({ JWT_JWKS_URL: undefined, JWT_PUBLIC_KEY_FILE: '/no/such/file' })[0]).toMatch(/does not exist/);
    expect(mistakesOf({ ...withFile(pem(ec.publicKey)), JWT_ALGORITHMS: 'RS256' })[0]).toMatch(
      /a public key for RS256/,
    );
    expect(mistakesOf({ JWT_PUBLIC_KEY_FILE: file(pem(ec.publicKey)) })).toEqual([
      expect.stringMatching(/^JWT_PUBLIC_KEY_FILE: expected no JWT_JWKS_URL beside it; both are set/),
    ]);
  });

  it('says nothing where nothing is wrong', () => {
    const refused: string[] = [];
    readJwtConfig(JWT, (name) => refused.push(name));
    expect(refused).toEqual([]);
  });
});
