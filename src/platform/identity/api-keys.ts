import { type ApiKey } from './api-key.js';

/** The API keys of this installation. Abstract, because this folder knows no database. */
export abstract class ApiKeys {
  /**
   * The key with this id; null when there is none. The answer may be up to 5 s old, so a key that was revoked is refused
   * by every process within 5 s. While the database does not answer, it may be ten minutes old.
   * @throws DatabaseError when the key is not known in memory and the database does not answer.
   */
  abstract find(id: string): Promise<ApiKey | null>;

  /** The same, from memory alone; undefined when memory does not know. */
  abstract findInMemory(id: string): ApiKey | null | undefined;

  /** Notes that the key was used. Returns at once and never fails. */
  abstract noteUse(key: ApiKey): void;
}
