import { type KeyOrder } from '../../modules/keys/key-administration.js';
import { type KeyJson } from '../../modules/keys/key-json.js';

/** Where API keys are made, listed and revoked: at a running service, or in its database. */
export interface KeyDesk {
  /** For people: what the command has worked on. */
  readonly place: string;
  /** @returns the key with its text, which is shown only now. */
  create(order: KeyOrder): Promise<KeyJson & { readonly key: string }>;
  /** Newest first, the revoked ones too. */
  list(): AsyncIterable<KeyJson>;
  /** @returns null when there is no such key. */
  revoke(id: string): Promise<KeyJson | null>;
}
