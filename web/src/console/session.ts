import { computed, signal } from '@preact/signals';
import { attempt, type Failure } from '../api/attempt.ts';
import { api, type Schemas } from '../api/client.ts';

/** What an operator may do. Each role may do everything that the one before it may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Who has signed in, and to what. */
export type Operator = Schemas['Session'];

export type Session =
  /** The service is being asked whether this browser is signed in. */
  | { readonly kind: 'asking' }
  /** It could not be asked. */
  | { readonly kind: 'unknown'; readonly failure: Failure }
  | { readonly kind: 'out' }
  | { readonly kind: 'in'; readonly who: Operator }
  /** It ended while the operator worked. The page stays as it is, with all that was typed. */
  | { readonly kind: 'over'; readonly who: Operator };

/** The browser keeps the session in a cookie that no script can read; this is what the page knows of it. */
export const session = signal<Session>({ kind: 'asking' });

/** Who has signed in; null before. */
export const operator = computed(() => ('who' in session.value ? session.value.who : null));

/** May the operator make a call that needs this role? What they may not do is not shown. */
export function may(needed: Role): boolean {
  const { value } = operator;
  return value !== null && ROLES.indexOf(value.role) >= ROLES.indexOf(needed);
}

/** Should a page ask again by itself? Not while nobody looks at it, nor behind the question to sign in again. */
export function mayPoll(): boolean {
  return !document.hidden && session.peek().kind === 'in';
}

api.use({
  onResponse({ response }) {
    const { value } = session;
    if (response.status === 401 && value.kind === 'in') session.value = { kind: 'over', who: value.who };
  },
});

/** Asks the service who this browser is. */
export async function findSession(): Promise<void> {
  session.value = { kind: 'asking' };
  const outcome = await attempt(api.GET('/api/admin/session'));
  if (outcome.ok) session.value = { kind: 'in', who: outcome.data };
  else if (isUnauthorized(outcome.failure)) session.value = { kind: 'out' };
  else session.value = { kind: 'unknown', failure: outcome.failure };
}

/** @returns why not; null when signed in. */
export async function signIn(credential: string): Promise<Failure | null> {
  const headers = { authorization: `Bearer ${credential}` };
  const begun = await attempt(api.POST('/api/admin/session', { headers }));
  if (!begun.ok) return begun.failure;
  // A browser may have thrown the cookie away.
  const kept = await attempt(api.GET('/api/admin/session'));
  if (!kept.ok) return kept.failure;
  session.value = { kind: 'in', who: kept.data };
  return null;
}

/** @returns why not; null when signed out. */
export async function signOut(): Promise<Failure | null> {
  const outcome = await attempt(api.DELETE('/api/admin/session'));
  if (!outcome.ok && !isUnauthorized(outcome.failure)) return outcome.failure;
  session.value = { kind: 'out' };
  return null;
}

function isUnauthorized(failure: Failure): boolean {
  return failure.kind === 'refused' && failure.problem.status === 401;
}
