import { hash } from 'node:crypto';

/**
 * SHA-256 in base64url, 43 characters. The database keeps it instead of an Idempotency-Key, which may be long and may
 * name its sender.
 */
export function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}
