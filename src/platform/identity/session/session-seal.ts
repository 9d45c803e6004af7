import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { isAdminRole, KEY_ROLES, type KeyRole } from '../key-role.js';
import { type TokenGrounds } from '../tokens/token-verifier.js';

/** A key with which sessions are sealed. */
export interface SessionKey {
  readonly id: string;
  /** 32 bytes. */
  readonly secret: KeyObject;
}

/** The credential that began a session. The session ends with it. */
export type SessionHolder =
  /** An API key. Its role is looked up at each call. */
  | { readonly kind: 'key'; readonly id: string }
  /** ADMIN_TOKEN or ADMIN_TOKEN_NEXT; the fingerprint tells which one. */
  | { readonly kind: 'admin-token'; readonly fingerprint: string }
  /**
   * The token of an operator. Nobody but the token says its role, so the session keeps it, as long as the token would be
   * good.
   */
  | { readonly kind: 'token'; readonly userId: string; readonly role: KeyRole; readonly grounds: TokenGrounds };

/** What is sealed in a cookie. */
export interface SealedSession {
  /** 128 random bits. */
  readonly id: string;
  readonly holder: SessionHolder;
  /** ms since the Unix epoch. */
  readonly expiresAt: number;
}

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const FORM = /^v1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]{40,2000})$/;

const contents = z.strictObject({
  id: z.string(),
  holder: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('key'), id: z.string() }),
    z.strictObject({ kind: z.literal('admin-token'), fingerprint: z.string() }),
    z.strictObject({
      kind: z.literal('token'),
      userId: z.string(),
      role: z.enum(KEY_ROLES).refine(isAdminRole),
      grounds: z.strictObject({ settings: z.string(), alg: z.string(), kid: z.string().nullable() }),
    }),
  ]),
  expiresAt: z.int(),
});

/**
 * `v1.<kid>.<iv, ciphertext and tag in base64url>`. Version and key id are authenticated with it.
 * @param fill fills bytes with values that cannot be guessed. An iv must never come twice with one key.
 */
export function sealSession(session: SealedSession, key: SessionKey, fill: (bytes: Uint8Array) => void): string {
  const iv = Buffer.alloc(IV_BYTES);
  fill(iv);
  const head = headOf(key.id);
  const cipher = createCipheriv(CIPHER, key.secret, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(head));
  const sealed = Buffer.concat([
    iv,
    cipher.update(JSON.stringify(session), 'utf8'),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
  return head + sealed.toString('base64url');
}

/** @returns null for a text that none of these keys has sealed. */
export function openSession(text: string, find: (keyId: string) => SessionKey | undefined): SealedSession | null {
  const [, keyId = '', body = ''] = FORM.exec(text) ?? [];
  const key = find(keyId);
  if (key === undefined) return null;
  const sealed = Buffer.from(body, 'base64url');
  // Several texts can stand for the same bytes. Only the one that was given out opens something.
  if (sealed.toString('base64url') !== body) return null;
  const tag = sealed.subarray(-TAG_BYTES);
  const decipher = createDecipheriv(CIPHER, key.secret, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(headOf(keyId))).setAuthTag(tag);
  try {
    const open = decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    // Another version of the service may have sealed more than this one knows.
    return contents.safeParse(JSON.parse(open)).data ?? null;
  } catch {
    return null;
  }
}

function headOf(keyId: string): string {
  return `v1.${keyId}.`;
}
