import { randomBytes } from 'node:crypto';
import { type IncomingMessage } from 'node:http';

/** Carries the id in both directions. */
export const REQUEST_ID_HEADER = 'x-request-id';

// Safe in a header, in JSON and in a log line without any quoting; problem.ts relies on that.
const ACCEPTABLE = /^[\w.-]{1,64}$/;

// Randomness once per process: crypto.randomBytes per request costs a fifth of the throughput, and an id has to be
// unique, not secret.
const prefix = randomBytes(9).toString('base64url');
let count = 0;

/** A new id, unique across processes. */
export function nextRequestId(): string {
  count += 1;
  return `${prefix}-${count.toString(36)}`;
}

/** The caller's id where it is harmless to repeat, otherwise a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && ACCEPTABLE.test(given) ? given : nextRequestId();
}
