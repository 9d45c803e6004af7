export const SESSION_COOKIE = 'coupon-session';
/** Longer values are refused unread. */
const MAX_LENGTH = 1_200;

/**
 * The value of the session cookie; null when there is none. Of two, none counts: a page of a neighbouring host name can
 * plant a second one, and which of them the browser sends first is up to that page.
 *
 * @param header the Cookie header as it came.
 */
export function sessionCookieIn(header: string | undefined): string | null {
  if (header === undefined || !header.includes(SESSION_COOKIE)) return null;
  const values = header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${SESSION_COOKIE}=`))
    .map((pair) => pair.slice(SESSION_COOKIE.length + 1));
  const [value = ''] = values;
  return values.length === 1 && value !== '' && value.length <= MAX_LENGTH ? value : null;
}

/** How a cookie is given out. */
export interface CookiePlace {
  /** The path below which the browser sends it. */
  readonly path: string;
  /** Only over TLS. */
  readonly secure: boolean;
}

/**
 * A `Set-Cookie` header that gives the session to a browser, or takes it away.
 * @param maxAgeMs 0 takes it away.
 */
export function setSessionCookie(value: string, maxAgeMs: number, { path, secure }: CookiePlace): string {
  const age = Math.max(0, Math.floor(maxAgeMs / 1_000));
  return `${SESSION_COOKIE}=${value}; Max-Age=${age}; Path=${path}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}
