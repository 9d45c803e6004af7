import { createHash } from 'node:crypto';

/** SHA-256 in base64url, 43 characters: what is stored of an Idempotency-Key, which may be long and say who sent it. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
