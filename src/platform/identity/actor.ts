import { type KeyRole } from './key-role.js';

/** The caller behind a credential. */
export interface Actor {
  /** The id of the API key; `bootstrap` for ADMIN_TOKEN; `jwt:` and the user of a token. */
  readonly id: string;
  /** For people: the name of the key, or the user of a token. */
  readonly name: string;
  readonly role: KeyRole;
  /** When the credential ends: ms since the Unix epoch; null: never. */
  readonly expiresAt: number | null;
}

/** ADMIN_TOKEN is the first admin: it makes the first keys. */
export const BOOTSTRAP: Actor = { id: 'bootstrap', name: 'bootstrap', role: 'admin', expiresAt: null };

/** Who has made a call, and from where; what the admin audit keeps of it. */
export interface CallOrigin {
  readonly actor: Pick<Actor, 'id' | 'name'>;
  /** null where no request led to the act. */
  readonly requestId: string | null;
  /** The caller's address; null where no request led to the act. */
  readonly address: string | null;
}

/** An act of the service itself, such as the campaign that the first start makes. */
export const BY_SERVICE: CallOrigin = { actor: { id: 'service', name: 'service' }, requestId: null, address: null };

/** What an operator does on the database itself, with a command such as `npm run key`. */
export function byCommand(name: string): CallOrigin {
  return { actor: { id: 'command', name }, requestId: null, address: null };
}
