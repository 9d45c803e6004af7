import { isHost } from './host.js';

const ABSOLUTE = /^https?:\/\/(?<authority>[^/?#]*)(?<rest>.*)$/is;

/**
 * The path and query of a target that also names scheme and host. A server must accept such a target (RFC 9112 §3.2.2).
 * Every other target is returned unchanged, also one with an invalid host: {@link isNormalTarget} refuses it.
 */
export function originForm(target: string): string {
  if (target.charCodeAt(0) === SLASH) return target;

  const { authority, rest } = ABSOLUTE.exec(target)?.groups ?? {};
  if (authority === undefined || rest === undefined || !isHost(authority)) return target;

  return rest.charCodeAt(0) === SLASH ? rest : `/${rest}`;
}

const SLASH = 0x2f;

/** The last good value. During a drop nearly all requests have the same path. */
let lastTarget = '';

const PLAIN = /^\/[A-Za-z0-9/_-]*(?:\?[A-Za-z0-9=&_.-]*)?$/;
// RFC 3986 §3.3.
const PATH = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
/**
 * An escape of an unreserved character (RFC 3986 §2.3), which needs none, or of a character that separates segments.
 */
const NEEDLESS_ESCAPE = /%(?:2[DEF]|3[0-9]|4[1-9A-F]|5[0-9ACF]|6[1-9A-F]|7[0-9AE])/i;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;
// Characters that browsers send unescaped in a query are accepted. A fragment must stay in the browser.
const QUERY = /^(?:[!"$&-~]|%[0-9A-Fa-f]{2})*$/;

/**
 * True for an origin-form target that every program reads in the same way. A gateway may remove dot segments or decode
 * the path before it decides who may see it; it would then decide about another path than the service answers. So a
 * path has one spelling: no dot segment, no escape of an unreserved character, of `/` or of `\`. A query decides no
 * access, so only escapes that cannot be decoded are refused there.
 */
export function isNormalTarget(target: string): boolean {
  if (target === lastTarget) return true;

  if (!PLAIN.test(target) && !isNormal(target)) return false;

  lastTarget = target;
  return true;
}

function isNormal(target: string): boolean {
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark + 1);
  return (
    PATH.test(path) &&
    !NEEDLESS_ESCAPE.test(path) &&
    !DOT_SEGMENT.test(path) &&
    QUERY.test(query) &&
    isDecodable(path) &&
    isDecodable(query)
  );
}

/** False if the escapes are not UTF-8: overlong, surrogate or cut sequences. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
