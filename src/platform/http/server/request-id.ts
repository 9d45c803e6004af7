import { randomBytes } from 'node:crypto';
import { type IncomingMessage } from 'node:http';

/** The header of the id, in requests and in answers. */
export const REQUEST_ID_HEADER = 'x-request-id';

// Safe in a header, in JSON and in a log line without escaping. problem.ts relies on that.
const ACCEPTABLE = /^[\w.-]{1,64}$/;

// Random once for each process. crypto.randomBytes for each request would cost a fifth of the throughput, and an id has
// to be unique, not secret.
const prefix = randomBytes(9).toString('base64url');
let count = 0;

/** A new id, unique across processes. */
export function nextRequestId(): string {
  count += 1;
  return `${prefix}-${count.toString(36)}`;
}

/** The caller's id if it is safe to repeat, otherwise a new one. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers[REQUEST_ID_HEADER];
  return typeof given === 'string' && ACCEPTABLE.test(given) ? given : nextRequestId();
}
