import { createSecretKey, randomBytes } from 'node:crypto';
import { type CredentialRequest } from '../../src/platform/identity/admin-access.js';
import { SessionRecords } from '../../src/platform/identity/session/session-records.js';
import { type SessionKey } from '../../src/platform/identity/session/session-seal.js';
import { type Sessions } from '../../src/platform/identity/session/sessions.js';

/** For tests in which no call brings a cookie. */
export const NO_SESSIONS = { find: () => Promise.resolve({ kind: 'absent' }) } as unknown as Sessions;

/** A call of an admin, as the guards read it. */
export function requestOf(
  headers: Record<string, string> = {},
  over: Partial<Pick<CredentialRequest, 'ip' | 'url' | 'method' | 'host'>> & { readonly peer?: string } = {},
): CredentialRequest {
  const {
    peer = '127.0.0.1',
    ip = '192.0.2.1',
    url = '/api/admin/keys',
    method = 'GET',
    host = 'localhost:3000',
  } = over;
  return { ip, url, method, host, headers, raw: { socket: { remoteAddress: peer } } as never };
}

export const newSessionKey = (id: string): SessionKey => ({ id, secret: createSecretKey(randomBytes(32)) });

/** Keys and ends of sessions in memory. */
export class TestRecords extends SessionRecords {
  sealing: SessionKey[] = [newSessionKey('one')];
  readonly ended = new Set<string>();
  /** What each read rejects with, as while the database is away. */
  away: Error | null = null;

  override keys(): Promise<readonly SessionKey[]> {
    return this.away === null ? Promise.resolve(this.sealing) : Promise.reject(this.away);
  }

  override isEnded(id: string): Promise<boolean> {
    return this.away === null ? Promise.resolve(this.ended.has(id)) : Promise.reject(this.away);
  }
}
