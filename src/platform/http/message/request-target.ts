import { isHost } from './host.js';

const ABSOLUTE = /^https?:\/\/(?<authority>[^/?#]*)(?<rest>.*)$/is;

/**
 * The path and query of a target that names scheme and host as well (RFC 9112 §3.2.2), which a server has to take.
 * Every other target comes back as it is, also one whose host is none: {@link isNormalTarget} refuses it.
 */
export function originForm(target: string): string {
  if (target.charCodeAt(0) === SLASH) return target;

  const { authority, rest } = ABSOLUTE.exec(target)?.groups ?? {};
  if (authority === undefined || rest === undefined || !isHost(authority)) return target;

  return rest.charCodeAt(0) === SLASH ? rest : `/${rest}`;
}

const SLASH = 0x2f;

/** The last good value: during a drop it is one path. */
let lastTarget = '';

const PLAIN = /^\/[A-Za-z0-9/_-]*(?:\?[A-Za-z0-9=&_.-]*)?$/;
// RFC 3986 §3.3.
const PATH = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*$/;
/** An escape of an unreserved character (RFC 3986 §2.3), which has to be itself, or of what separates segments. */
const NEEDLESS_ESCAPE = /%(?:2[DEF]|3[0-9]|4[1-9A-F]|5[0-9ACF]|6[1-9A-F]|7[0-9AE])/i;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;
// What browsers send unescaped in a query is taken; a fragment belongs to the browser.
const QUERY = /^(?:[!"$&-~]|%[0-9A-Fa-f]{2})*$/;

/**
 * True for an origin-form target that every reader understands alike. A gateway that removes dot segments or decodes a
 * path before it decides who may see it would otherwise decide about another path than the service answers. So a path
 * has one spelling: no dot segment, no escape of an unreserved character, of `/` or of `\`. In a query, which names
 * nobody, only what cannot be decoded is refused.
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

/** False where escapes make no UTF-8: overlong ones, surrogates, cut ones. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
