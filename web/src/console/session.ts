import { computed, signal } from '@preact/signals';
import { attempt, type Failure } from '../api/attempt.ts';
import { api } from '../api/client.ts';

/** What an operator may do. Each role may do everything that the one before it may. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface Operator {
  readonly name: string;
  readonly role: Role;
}

export type Session =
  /** The service is being asked whether this browser is signed in. */
  | { readonly kind: 'asking' }
  | { readonly kind: 'out' }
  | { readonly kind: 'in'; readonly who: Operator }
  /** It ended while the operator worked. The page stays as it is, with all that was typed. */
  | { readonly kind: 'over'; readonly who: Operator };

export const session = signal<Session>({ kind: 'out' });

/** Who has signed in; null before. */
export const operator = computed(() => ('who' in session.value ? session.value.who : null));

/** May the operator make a call that needs this role? What they may not do is not shown. */
export function may(needed: Role): boolean {
  const { value } = operator;
  return value !== null && ROLES.indexOf(value.role) >= ROLES.indexOf(needed);
}

// In memory alone: what a page stores, every script of its origin can read later.
let key: string | null = null;

api.use({
  onRequest({ request }) {
    if (key !== null) request.headers.set('authorization', `Bearer ${key}`);
    return request;
  },
  onResponse({ response }) {
    const { value } = session;
    if (response.status === 401 && value.kind === 'in') session.value = { kind: 'over', who: value.who };
  },
});

/** @returns why not; null when signed in. */
export async function signIn(credential: string): Promise<Failure | null> {
  const before = key;
  key = credential;
  const first = { params: { query: { limit: '1' as unknown as number } } };
  const seen = await attempt(api.GET('/api/admin/search', { params: { query: { q: 'sign-in' } } }));
  if (!seen.ok) {
    key = before;
    return seen.failure;
  }
  const [operates, administers] = await Promise.all([
    attempt(api.GET('/api/admin/audit-log', first)),
    attempt(api.GET('/api/admin/keys', first)),
  ]);
  const role = administers.ok ? 'admin' : operates.ok ? 'operator' : 'viewer';
  session.value = { kind: 'in', who: { name: role, role } };
  return null;
}

export async function signOut(): Promise<void> {
  key = null;
  session.value = { kind: 'out' };
  return Promise.resolve();
}
