import { type ApiKey } from '../../platform/identity/api-key.js';

export type NewApiKey = Omit<ApiKey, 'createdAt' | 'lastUsedAt' | 'revokedAt'>;

/** The table `api_keys`. A key is never deleted, because the admin audit names it. */
export abstract class ApiKeyStore {
  abstract insert(key: NewApiKey): Promise<ApiKey>;

  /** Those that there are, in any order. */
  abstract findMany(ids: readonly string[]): Promise<ApiKey[]>;

  /** Newest first; of each page only those with an id below `beforeId`. */
  abstract list(limit: number, beforeId?: string): Promise<ApiKey[]>;

  /** Revokes the key unless it is revoked. @returns the key as it is now; null when there is none. */
  abstract revoke(id: string): Promise<ApiKey | null>;

  /** Notes that the key was used now. */
  abstract noteUse(id: string): Promise<void>;
}
