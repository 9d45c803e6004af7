import { Problem } from '../../http/problem/problem.js';
import { type Actor } from '../actor.js';
import { type KeyRole } from '../key-role.js';

/**
 * Tells the subjects of an issuer from the ids of keys, `bootstrap` and `service` in the audit: users may choose their
 * own names at some providers.
 */
export const SUBJECT_PREFIX = 'jwt:';

/** The longest id that the audit keeps. */
const MAX_ID_LENGTH = 128;

/**
 * Whom a token with a role names.
 * @param expiresAt when the token ends.
 * @throws Problem `user-not-usable` when the audit could not name the operator.
 */
export function actorOf(userId: string, role: KeyRole, expiresAt: number | null): Actor {
  const id = `${SUBJECT_PREFIX}${userId}`;
  if (id.length > MAX_ID_LENGTH) throw new Problem('user-not-usable');
  return { id, name: userId, role, expiresAt };
}

/** The user whose token made this actor; null for every other one. */
export function tokenUserOf({ id }: Actor): string | null {
  return id.startsWith(SUBJECT_PREFIX) ? id.slice(SUBJECT_PREFIX.length) : null;
}
