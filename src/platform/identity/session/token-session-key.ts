import { createSecretKey, hkdfSync } from 'node:crypto';
import { type AdminToken } from '../admin-token.js';
import { type SessionKey } from './session-seal.js';

const KEY_BYTES = 32;
const FINGERPRINT_LENGTH = 12;

/**
 * A key that seals sessions of ADMIN_TOKEN alone, made of the token itself. So every process that takes the token opens
 * them, and needs no database for it. The key ends with the token.
 */
export function tokenSessionKey(token: AdminToken, credential: string): SessionKey {
  const id = `admin-token-${token.fingerprintOf(credential).slice(0, FINGERPRINT_LENGTH)}`;
  const secret = Buffer.from(hkdfSync('sha256', credential, '', 'coupon session without a database', KEY_BYTES));
  return { id, secret: createSecretKey(secret) };
}

/** Those of ADMIN_TOKEN and ADMIN_TOKEN_NEXT. */
export function tokenSessionKeys(token: AdminToken): readonly SessionKey[] {
  return [token.value, token.next].flatMap((value) => (value === undefined ? [] : tokenSessionKey(token, value)));
}
