import { type FastifyRequest } from 'fastify';

/** What decides whether a page of the service itself makes a call. */
export type OriginRequest = Pick<FastifyRequest, 'host' | 'headers' | 'raw'>;

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': ':80', 'https:': ':443' };

/**
 * Is the page that makes the call from the same origin as the call itself?
 *
 * The host is the one that the caller has addressed: `Host`, or `X-Forwarded-Host` of a trusted proxy, with its port. The
 * service speaks plain HTTP and cannot see whether the caller spoke TLS. So `https` is taken as it is: a browser sends a
 * cookie with `Secure` over TLS alone. `http` counts only on loopback, where no network is in between.
 *
 * @returns null without an Origin header.
 */
export function isSameOrigin(request: OriginRequest): boolean | null {
  const { origin } = request.headers;
  if (origin === undefined) return null;
  if (!URL.canParse(origin)) return false;
  const { protocol, host, origin: normal } = new URL(origin);
  const defaultPort = DEFAULT_PORTS[protocol];
  // `null`, an extension's page, and every spelling that no browser sends.
  if (defaultPort === undefined || normal !== origin) return false;
  const asked = request.host.toLowerCase();
  const askedHost = asked.endsWith(defaultPort) ? asked.slice(0, -defaultPort.length) : asked;
  // mutant: any-origin
  if (host !== askedHost) return false;
  return protocol === 'https:' || LOOPBACK.test(host);
}

/** Does the browser say that a page of another origin, or of another site, has caused the call? */
export function isFromElsewhere({ headers }: OriginRequest): boolean {
  const site = headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/**
 * May a cookie for this caller go over plain HTTP? Only between two programs of one machine: the caller has addressed
 * loopback, comes from there, and came through no proxy that says so.
 */
export function isOnLoopback(request: OriginRequest): boolean {
  const { headers, host, raw } = request;
  const peer = raw.socket.remoteAddress ?? '';
  const isLocalPeer = peer === '::1' || /^(?:::ffff:)?127\./.test(peer);
  const isProxied = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'forwarded', 'via'].some(
    (name) => headers[name] !== undefined,
  );
  const isTls = headers.origin?.startsWith('https:') === true;
  return isLocalPeer && LOOPBACK.test(host) && !isProxied && !isTls;
}
