const KEY_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;
const SHOWN = 6;

/**
 * The end of the id of an API key, to be shown beside its name: several keys may have one name. null for an actor who is
 * no key.
 */
export function keyIdEnd(actorId: string): string | null {
  return KEY_ID.test(actorId) ? `…${actorId.slice(-SHOWN)}` : null;
}
