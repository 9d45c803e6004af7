import { type IncomingHttpHeaders } from 'node:http';
import { Problem } from '../problem/problem.js';

const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

/**
 * The request's Idempotency-Key, or undefined if it has none.
 *
 * @throws Problem `invalid-idempotency-key` when it is empty, longer than 255 or not printable ASCII.
 */
export function idempotencyKeyOf(headers: IncomingHttpHeaders): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined || (typeof key === 'string' && PRINTABLE.test(key))) return key;

  throw new Problem('invalid-idempotency-key');
}
