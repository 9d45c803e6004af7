import { Injectable } from '@nestjs/common';
import { Clock } from '../flow/clock.js';
import { putNewest } from '../values/put-newest.js';
import { type Actor, BOOTSTRAP } from './actor.js';
import { AdminToken } from './admin-token.js';
import { type ApiKey, isInForce, isSecretOf, readKey, type ShownKey, textOf } from './api-key.js';
import { ApiKeys } from './api-keys.js';
import { credentialIn } from './bearer.js';
import { userTokenIn } from './user-token.js';

/** What a request brings: no bearer credential, a valid one, or a wrong one. */
export type Authentication =
  { readonly kind: 'absent' | 'refused' } | { readonly kind: 'known'; readonly actor: Actor };

const ABSENT: Authentication = { kind: 'absent' };
const REFUSED: Authentication = { kind: 'refused' };
const AS_BOOTSTRAP: Authentication = { kind: 'known', actor: BOOTSTRAP };

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
    const key = await this.keys.find(shown.id);
    const found = this.judge(shown, key, true);
    if (found.kind === 'known' && key !== null) this.remember(authorization as string, key, shown);
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
    const candidate = credentialIn(authorization);
    return candidate !== undefined && readKey(candidate) !== null;
  }

  /**
   * May a wrong credential have been a guess? The token of a user is none: he has signed in elsewhere, and the service does not
   * know him. Unless ADMIN_TOKEN has the form of such a token.
   */
  mayBeGuess(authorization: string): boolean {
    // mutant: users-lock-operators-out
    return userTokenIn(authorization) === undefined || this.adminTokenIsLikeAUsers;
  }

  private read(authorization: string | undefined): Authentication | ShownKey {
    if (authorization === undefined) return ABSENT;
    const candidate = credentialIn(authorization);
    if (candidate === undefined) return ABSENT;
    return readKey(candidate) ?? (this.token.matches(candidate) ? AS_BOOTSTRAP : REFUSED);
  }

  /** The usual spellings alone. With all of them, one key could push the headers of all others out. */
  private remember(authorization: string, key: ApiKey, { secret }: ShownKey): void {
    const text = textOf(key, secret);
    if (authorization !== `Bearer ${text}` && authorization !== `bearer ${text}`) return;
    putNewest(this.shown, authorization, key.id, MAX_REMEMBERED);
  }

  private get adminTokenIsLikeAUsers(): boolean {
    return [this.token.value, this.token.next].some(
      (token) => token !== undefined && userTokenIn(`Bearer ${token}`) !== undefined,
    );
  }

  private judge({ secret }: ShownKey, key: ApiKey | null, isUse: boolean): Authentication {
    if (key === null || !isSecretOf(key, secret)) return REFUSED;
    if (!isInForce(key, this.clock.wall())) return REFUSED;
    if (isUse) this.keys.noteUse(key);
    return { kind: 'known', actor: key };
  }
}
