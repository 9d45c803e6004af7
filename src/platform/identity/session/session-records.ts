import { type SessionKey } from './session-seal.js';

/** What this installation keeps of its sessions. Abstract, because this folder knows no database. */
export abstract class SessionRecords {
  /**
   * The keys that open a session; the first one seals. The answer may be up to 5 s old, and ten minutes while the database
   * does not answer.
   * @throws DatabaseError when memory does not know and the database does not answer.
   */
  abstract keys(): Promise<readonly SessionKey[]>;

  /** Was the session ended before its time? As old as the answer of {@link keys}. @throws DatabaseError in the same case. */
  abstract isEnded(id: string): Promise<boolean>;
}
