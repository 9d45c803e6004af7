import { createHash, timingSafeEqual } from 'node:crypto';
import { KEY_ROLES, type KeyRole } from './key-role.js';

/**
 * The text of an API key: `cpn_<role>_<id>_<secret>`. The role is there for people and for tools that look for leaked
 * secrets. The stored role decides. The id is a ULID, and the secret 32 random bytes in base64url.
 */
const KEY = new RegExp(`^cpn_(${KEY_ROLES.join('|')})_([0-9A-HJKMNP-TV-Z]{26})_([A-Za-z0-9_-]{43})$`);

const SECRET_BYTES = 32;

/** The parts of a key that a caller has shown. */
export interface ShownKey {
  readonly id: string;
  readonly secret: string;
}

/** A key as it is stored. The secret itself is not stored. */
export interface ApiKey {
  /** A ULID. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly role: KeyRole;
  /** SHA-256 of the secret's text, in base64url. */
  readonly secretDigest: string;
  /** ms since the Unix epoch. */
  readonly createdAt: number;
  /** The id of the key that made it, or `bootstrap`. */
  readonly createdBy: string;
  /** ms since the Unix epoch; null: never. */
  readonly expiresAt: number | null;
  /** ms since the Unix epoch, exact to a minute; null: not used yet. */
  readonly lastUsedAt: number | null;
  /** ms since the Unix epoch; null while it is valid. */
  readonly revokedAt: number | null;
}

/** The key in a caller's text; null for every other text. */
export function readKey(text: string): ShownKey | null {
  const match = KEY.exec(text);
  return match === null ? null : { id: match[2] as string, secret: match[3] as string };
}

/**
 * Makes the secret of a key.
 * @param fill fills bytes with values that cannot be guessed.
 * @returns the text that is shown once, and the digest that is stored.
 */
export function makeKey(
  id: string,
  role: KeyRole,
  fill: (bytes: Uint8Array) => void,
): { readonly text: string; readonly secretDigest: string } {
  const bytes = new Uint8Array(SECRET_BYTES);
  fill(bytes);
  const secret = Buffer.from(bytes).toString('base64url');
  return { text: textOf({ id, role }, secret), secretDigest: digestOfSecret(secret).toString('base64url') };
}

/** The key as it was told to its owner. */
export function textOf({ id, role }: Pick<ApiKey, 'id' | 'role'>, secret: string): string {
  return `cpn_${role}_${id}_${secret}`;
}

/** Compares in constant time. */
export function isSecretOf({ secretDigest }: Pick<ApiKey, 'secretDigest'>, secret: string): boolean {
  const stored = Buffer.from(secretDigest, 'base64url');
  const shown = digestOfSecret(secret);
  return stored.length === shown.length && timingSafeEqual(stored, shown);
}

/** @param now ms since the Unix epoch. */
export function isInForce({ revokedAt, expiresAt }: ApiKey, now: number): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now);
}

function digestOfSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
