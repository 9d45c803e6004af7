import { type IncomingMessage } from 'node:http';
import { INPUT_RULES, type InputRuleName } from '../input/input-rules.js';
import { type ProblemCode } from '../problem/problem-catalogue.js';
import { type InputError, type ProblemExtensions } from '../problem/problem.js';
import { isHost } from './host.js';
import { isNormalTarget } from './request-target.js';

/** How many header fields a request may have. The same number of trailer fields is allowed. */
export const MAX_FIELDS = 100;

/** Why a request is refused, whatever its route is. */
export interface MessageFault {
  readonly code: ProblemCode;
  readonly extensions?: ProblemExtensions;
  /**
   * True if the connection ends: it is not certain where the next request begins, or the sender does not speak
   * HTTP/1.1.
   */
  readonly closes: boolean;
}

const fault = (
  code: ProblemCode,
  closes: boolean,
  where?: readonly [part: InputError['in'], pointer: string, rule: InputRuleName],
): MessageFault => ({
  code,
  closes,
  ...(where === undefined
    ? {}
    : { extensions: { errors: [{ in: where[0], pointer: where[1], detail: INPUT_RULES[where[2]] }] } }),
});

const VERSION = fault('http-version-not-supported', true);
const TOO_MANY_FIELDS = fault('headers-too-large', true);
const NO_HOST = fault('bad-request', true, ['header', '/host', 'host']);
const CODED = fault('not-implemented', true, ['header', '/transfer-encoding', 'transfer-encoding']);
const FRAMING = fault('bad-request', true, ['header', '/transfer-encoding', 'transfer-encoding']);
const LENGTH = fault('bad-request', true, ['header', '/content-length', 'content-length']);
const TARGET = fault('bad-request', false, ['path', '', 'target']);

/** Fields that may have one value. Of two, Node silently keeps the first, while a gateway may have used the last. */
const SINGLE = ['host', 'content-type', 'authorization', 'idempotency-key'] as const;
const GIVEN_TWICE = SINGLE.map((name) => fault('bad-request', true, ['header', `/${name}`, 'given-twice']));

/**
 * Finds faults that Node's parser accepts although another program could read a different request. It is cheap for a
 * normal request, because every claim goes through it.
 */
export function messageFault(request: IncomingMessage): MessageFault | undefined {
  const { rawHeaders, headers, httpVersion } = request;
  if (rawHeaders.length > 2 * MAX_FIELDS) return TOO_MANY_FIELDS;

  const isOld = httpVersion !== '1.1';
  if (isOld && httpVersion !== '1.0') return VERSION;

  const twice = singleGivenTwice(rawHeaders);
  if (twice !== -1) return GIVEN_TWICE[twice];

  const { host } = headers;
  // HTTP/1.0 has no Host.
  if (host === undefined ? !isOld : !isHost(host)) return NO_HOST;

  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    // RFC 9112 §6.1: an HTTP/1.0 message with Transfer-Encoding has faulty framing.
    if (isOld) return FRAMING;
    const codings = coding.toLowerCase();
    if (codings !== 'chunked') return isForeign(codings) ? CODED : FRAMING;
  }
  const length = headers['content-length'];
  if (length !== undefined && length.length > 1 && length.charCodeAt(0) === 0x30) {
    // Some programs read a number that begins with 0 as octal.
    return LENGTH;
  }
  return isNormalTarget(request.url ?? '') || isForServer(request) ? undefined : TARGET;
}

/**
 * True for a valid list of transfer codings, with chunked once and at the end, that names a coding the service does not
 * know.
 */
function isForeign(codings: string): boolean {
  const names = codings.split(',').map((name) => name.trim());
  const chunked = names.indexOf('chunked');
  return names.length > 1 && chunked === names.length - 1 && names.every((name) => /^[\w!#$%&'*+.^`|~-]+/.test(name));
}

/** True for `OPTIONS *`, which asks about the server and not about a resource (RFC 9110 §9.3.7). */
export function isForServer({ method, url }: Pick<IncomingMessage, 'method' | 'url'>): boolean {
  return url === '*' && method === 'OPTIONS';
}

/** @returns an index into {@link SINGLE}, or −1. */
function singleGivenTwice(rawHeaders: readonly string[]): number {
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const single = indexOfSingle(rawHeaders[at] ?? '');
    if (single !== -1) {
      const bit = 1 << single;
      if ((seen & bit) !== 0) return single;
      seen |= bit;
    }
  }
  return -1;
}

/** Compares length and first letter first: for nearly every name this avoids making a string in lower case. */
function indexOfSingle(name: string): number {
  const first = name.charCodeAt(0) | 0x20;
  for (let index = 0; index < SINGLE.length; index++) {
    const single = SINGLE[index] ?? '';
    if (name.length === single.length && first === single.charCodeAt(0) && name.toLowerCase() === single) return index;
  }
  return -1;
}
