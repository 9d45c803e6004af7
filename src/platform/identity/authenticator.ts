import { Injectable } from '@nestjs/common';
import { Clock } from '../flow/clock.js';
import { putNewest } from '../values/put-newest.js';
import { type Actor, BOOTSTRAP } from './actor.js';
import { AdminToken } from './admin-token.js';
import { type ApiKey, isInForce, isSecretOf, readKey, type ShownKey } from './api-key.js';
import { ApiKeys } from './api-keys.js';

/** What a request brings: no bearer credential, a valid one, or a wrong one. */
export type Authentication =
  { readonly kind: 'absent' | 'refused' } | { readonly kind: 'known'; readonly actor: Actor };

const ABSENT: Authentication = { kind: 'absent' };
const REFUSED: Authentication = { kind: 'refused' };
const AS_BOOTSTRAP: Authentication = { kind: 'known', actor: BOOTSTRAP };

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/** How many right headers are remembered; the one that was found right first is forgotten first. */
const MAX_REMEMBERED = 1_000;

/** Finds out who calls, by ADMIN_TOKEN or by an API key. */
@Injectable()
export class Authenticator {
  /** Header → id of the key whose secret it shows. A key keeps its secret, so an entry stays true. */
  private readonly shown = new Map<string, string>();

  constructor(
    private readonly token: AdminToken,
    private readonly keys: ApiKeys,
    private readonly clock: Clock,
  ) {}

  /**
   * @param authorization the header of that name.
   * @throws DatabaseError when an API key has to be looked up and the database does not answer.
   */
  async authenticate(authorization: string | undefined): Promise<Authentication> {
    const shown = this.read(authorization);
    if (!('id' in shown)) return shown;
    const found = this.judge(shown, await this.keys.find(shown.id), true);
    if (found.kind === 'known') putNewest(this.shown, authorization as string, shown.id, MAX_REMEMBERED);
    return found;
  }

  /** The same from memory alone. `absent` also where an API key would have to be looked up. */
  authenticateFromMemory(authorization: string | undefined): Authentication {
    const shown = this.read(authorization);
    if (!('id' in shown)) return shown;
    const stored = this.keys.findInMemory(shown.id);
    return stored === undefined ? ABSENT : this.judge(shown, stored, false);
  }

  /**
   * The key of a header that was right before, from memory alone: without a hash, for the call of which a drop brings
   * thousands a second. Undefined when {@link authenticate} has to be asked.
   */
  recall(authorization: string): ApiKey | undefined {
    const id = this.shown.get(authorization);
    const key = id === undefined ? undefined : this.keys.findInMemory(id);
    // mutant: revoked-key-recalled
    if (key === undefined || key === null || !isInForce(key, this.clock.wall())) return undefined;
    this.keys.noteUse(key);
    return key;
  }

  /** Has the credential the form of an API key? */
  showsKey(authorization: string): boolean {
    const candidate = BEARER.exec(authorization)?.[1];
    return candidate !== undefined && readKey(candidate) !== null;
  }

  private read(authorization: string | undefined): Authentication | ShownKey {
    if (authorization === undefined) return ABSENT;
    const candidate = BEARER.exec(authorization)?.[1];
    if (candidate === undefined) return ABSENT;
    return readKey(candidate) ?? (this.token.matches(candidate) ? AS_BOOTSTRAP : REFUSED);
  }

  private judge({ secret }: ShownKey, key: ApiKey | null, isUse: boolean): Authentication {
    if (key === null || !isSecretOf(key, secret)) return REFUSED;
    if (!isInForce(key, this.clock.wall())) return REFUSED;
    if (isUse) this.keys.noteUse(key);
    return { kind: 'known', actor: key };
  }
}
