const KEPT = 'coupon.token';

/**
 * The token that a shop has put behind the `#` of a link, or that this tab has had before. It is taken out of the address
 * at once: it shall be in no history, no bookmark and no screenshot. Browsers do not send it to any server.
 */
export function tokenFromAddress(): string | null {
  const found = new URLSearchParams(location.hash.slice(1)).get('token');
  if (found !== null) {
    history.replaceState(history.state, '', location.pathname + location.search);
    keepToken(found);
    return found;
  }
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** For the time of this tab: a reload goes on with it. */
export function keepToken(token: string | null): void {
  try {
    if (token === null) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, token);
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

function subjectOf(token: string): string | null {
  try {
    const [, payload = ''] = token.split('.');
    const { iss, sub } = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/'))) as Record<string, unknown>;
    return typeof sub === 'string' ? `${String(iss)} ${sub}` : null;
  } catch {
    return null;
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
