import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { type JWK } from 'jose';

/** The algorithms that a token may be signed with. All are asymmetric: whoever can verify cannot sign. */
export const TOKEN_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
] as const;

/** Shorter RSA keys are broken, or will be soon. */
const MIN_RSA_BITS = 2048;

/** The algorithms of each kind of key. */
const ALGORITHMS: Readonly<Record<string, readonly string[]>> = {
  RSA: TOKEN_ALGORITHMS.filter((algorithm) => /^[RP]S/.test(algorithm)),
  'P-256': ['ES256'],
  'P-384': ['ES384'],
  'P-521': ['ES512'],
  Ed25519: ['EdDSA', 'Ed25519'],
};

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;

/**
 * Reads public keys: a JSON Web Key Set, one JSON Web Key, or PEM (keys or certificates, several one after the other).
 * A key from PEM has no name, so a token's `kid` says nothing about it.
 *
 * @returns the keys, or what was expected instead.
 */
export function readPublicKeys(text: string): readonly JWK[] | string {
  if (text.includes('PRIVATE KEY-----')) return 'public keys; a private key stands there';
  if (!text.includes('-----BEGIN ')) return readSet(text);
  try {
    const keys = [...text.matchAll(PEM)].map(([block]) => createPublicKey(block).export({ format: 'jwk' }) as JWK);
    return keys.length > 0 ? keys : 'public keys in PEM; no whole one stands there';
  } catch {
    return 'public keys in PEM that can be read: RSA, EC (P-256, P-384, P-521) or Ed25519';
  }
}

function readSet(text: string): readonly JWK[] | string {
  const expected = 'public keys in PEM or as a JSON Web Key Set';
  try {
    const json: unknown = JSON.parse(text);
    const keys = keysIn(json) ?? (isObject(json) && 'kty' in json ? [json as JWK] : undefined);
    if (keys === undefined) return expected;
    return keys.some(isSecret) ? 'public keys; a private key stands there' : keys;
  } catch {
    return expected;
  }
}

/** What makes a public key, and what a token's header leads to. */
const MEMBERS: ReadonlySet<string> = new Set(['kty', 'crv', 'n', 'e', 'x', 'y', 'kid', 'alg']);

/**
 * The keys of a set that can verify tokens. Leaves out the others, as RFC 7517 §5 asks: sets have keys of other uses,
 * and of kinds that come later.
 *
 * A key that is usable loses its other members. What `key_ops`, `ext` and `use` say was judged here; the import refuses
 * some forms of them, such as `key_ops` with `sign` beside `verify`, and its error would fail each call with a token.
 *
 * @param algorithms the allowed ones.
 */
export function usableKeys(keys: readonly JWK[], algorithms: readonly string[]): JWK[] {
  return keys
    .filter((key) => isUsable(key, algorithms))
    .map((key) => Object.fromEntries(Object.entries(key).filter(([name]) => MEMBERS.has(name))) as JWK);
}

/** The keys of a JSON Web Key Set; undefined when it is none. */
export function keysIn(set: unknown): readonly JWK[] | undefined {
  if (!isObject(set) || !('keys' in set) || !Array.isArray(set.keys)) return undefined;
  return (set.keys as unknown[]).every(isObject) ? (set.keys as JWK[]) : undefined;
}

function isUsable(key: JWK, allowed: readonly string[]): boolean {
  const { kty, crv, use, alg, kid, key_ops: operations } = key;
  if (isSecret(key) || (use !== undefined && use !== 'sig') || (kid !== undefined && typeof kid !== 'string')) {
    return false;
  }
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return false;
  const algorithms = (ALGORITHMS[(kty === 'RSA' ? kty : crv) ?? ''] ?? []).filter((name) => allowed.includes(name));
  if (alg === undefined ? algorithms.length === 0 : !algorithms.includes(alg)) return false;
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: key as JsonWebKey, format: 'jwk' });
    return kty !== 'RSA' || (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS;
  } catch {
    return false;
  }
}

/** A private key, or one that both sides know. */
function isSecret(key: JWK): boolean {
  return 'd' in key || 'k' in key || 'priv' in key;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
