import cors, { type FastifyCorsOptions } from '@fastify/cors';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { messageFault } from '../message/message-fault.js';
import { pathOf } from '../problem/problem.js';

/** The origins whose pages may call the service; `*` is any; null: none. */
export type CorsOrigins = readonly string[] | null;

/** What callers of a drop use. Operators' calls are for their own pages and programs, and never for another origin's. */
const FOR_PAGES = /^\/api\/(?!admin(?:\/|$))/;
const METHODS = 'GET, HEAD, POST';
const REQUEST_HEADERS =
  'Accept-Language, Authorization, Content-Type, Idempotency-Key, X-Claim-Id, X-Entry-Token, X-Request-Id';
/** A page sees these beside the few that it may always see. */
const ANSWER_HEADERS =
  'ETag, Idempotent-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id';
/** How long a browser need not ask again, s. Chromium keeps an answer no longer than this. */
const PREFLIGHT_AGE_S = 7_200;

const CLOSED: FastifyCorsOptions = { origin: false };

/**
 * Lets pages of these origins call the service from a browser. Pages of other origins, and other paths, are answered as
 * if this were off.
 *
 * Fastify runs the hooks of a plugin in the order in which plugins were registered. Hooks that shall run behind this one
 * are added in `fastify.after()`.
 */
export function allowPages(fastify: FastifyInstance, origins: readonly string[]): void {
  const open: FastifyCorsOptions = {
    origin: [...origins],
    methods: METHODS,
    allowedHeaders: REQUEST_HEADERS,
    exposedHeaders: ANSWER_HEADERS,
    maxAge: PREFLIGHT_AGE_S,
    // Credentials are in headers that a page has to set. Cookies, which a browser sends by itself, are never taken.
    credentials: false,
  };
  const allowed = new Set(origins);
  const isAny = allowed.has('*');
  const isAllowed = ({ method, headers, raw, url }: FastifyRequest): boolean => {
    const { origin } = headers;
    if (origin === undefined || !(isAny || allowed.has(origin)) || !FOR_PAGES.test(pathOf(url))) return false;
    return method !== 'OPTIONS' || isPreflight(headers, raw);
  };
  if (!isAny) {
    // The answers themselves set Vary for their language.
    fastify.addHook('onSend', (request, reply, _payload, done) => {
      if (FOR_PAGES.test(pathOf(request.url))) reply.header('vary', varyByOrigin(reply.getHeader('vary')));
      done();
    });
  }
  void fastify.register(cors, {
    delegator: (request, callback) => callback(null, isAllowed(request) ? open : CLOSED),
  });
}

/**
 * Does a browser ask whether it may make a call? The plugin answers that before any check of the message, so a message
 * with a fault, or one that a later hook has to answer, is none.
 */
function isPreflight(headers: FastifyRequest['headers'], raw: FastifyRequest['raw']): boolean {
  const isPlain = headers.expect === undefined && headers.upgrade === undefined;
  const hasBody = (headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined;
  return (
    isPlain && !hasBody && headers['access-control-request-method'] !== undefined && messageFault(raw) === undefined
  );
}

function varyByOrigin(vary: number | string | string[] | undefined): string {
  const known = vary === undefined ? '' : String(vary);
  if (/(?:^|,\s*)origin(?:,|$)/i.test(known)) return known;
  return known === '' ? 'Origin' : `${known}, Origin`;
}
