import { Problem } from '../../http/problem/problem.js';
import { type Actor } from '../actor.js';
import { type TokenOutcome } from './token-verifier.js';

/**
 * Tells the subjects of an issuer from the ids of keys, `bootstrap` and `service` in the audit: users may choose their
 * own names at some providers.
 */
export const SUBJECT_PREFIX = 'jwt:';

/** The longest id that the audit keeps. */
const MAX_ID_LENGTH = 128;

/**
 * The operator whom a token names; null when its issuer gives it no role here.
 * @throws Problem `user-not-usable` when the audit could not name the operator.
 */
export function operatorOf({ userId, role }: Extract<TokenOutcome, { kind: 'user' }>): Actor | null {
  if (role === null) return null;
  const id = `${SUBJECT_PREFIX}${userId}`;
  if (id.length > MAX_ID_LENGTH) throw new Problem('user-not-usable');
  return { id, name: userId, role };
}
