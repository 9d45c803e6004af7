import { fitsHeader } from '../shared/header-text.ts';
import { isEmbedded } from './embedding.ts';

const KEPT = 'coupon.token';

/**
 * The token that a shop has put behind the `#` of a link. It is taken out of the address at once: it shall be in no
 * bookmark and no screenshot. Browsers do not send it to any server. The browser's history has it all the same, which no
 * page can undo: such a token needs a life of minutes.
 */
export function tokenFromAddress(): string | null {
  const found = new URLSearchParams(location.hash.slice(1)).get('token');
  if (found === null) return null;
  history.replaceState(history.state, '', location.pathname + location.search);
  // What no header can hold is no token: the service could not even refuse it.
  if (!fitsHeader(found)) return null;
  keepToken(found);
  return found;
}

/** The token that this tab has had before. In a frame the page around alone knows who is signed in now. */
export function keptToken(): string | null {
  if (isEmbedded) return null;
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** For the time of this tab: a reload goes on with it. */
export function keepToken(token: string): void {
  if (isEmbedded) return;
  try {
    sessionStorage.setItem(KEPT, token);
  } catch {
    // Then it holds until the page is left.
  }
}

/**
 * A name for what this browser keeps of the token's user: the same for each token of one user, and no text that tells
 * who it is. Whether the token is right is for the service to say.
 */
export function nameOf(token: string): string {
  return `token:${hashOf(subjectOf(token) ?? token)}`;
}

/** When a token says that it ends, ms since the Unix epoch; null where it does not say so. */
export function endOf(token: string): number | null {
  const { exp } = payloadOf(token);
  return typeof exp === 'number' ? exp * 1_000 : null;
}

function subjectOf(token: string): string | null {
  const { iss, sub } = payloadOf(token);
  return typeof sub === 'string' ? `${String(iss)} ${sub}` : null;
}

function payloadOf(token: string): Record<string, unknown> {
  try {
    const [, payload = ''] = token.split('.');
    return JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/'))) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** FNV-1a in two halves: enough to tell the users of one browser apart. `crypto.subtle` is not there over plain HTTP. */
function hashOf(text: string): string {
  let [left, right] = [0x811c9dc5, 0x01234567];
  for (const unit of text) {
    left = Math.imul(left ^ (unit.codePointAt(0) ?? 0), 0x01000193);
    right = Math.imul(right ^ (unit.codePointAt(0) ?? 0), 0x01000197);
  }
  return (left >>> 0).toString(36) + (right >>> 0).toString(36);
}
