import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/env.js';
import { Clock } from '../../flow/clock.js';
import { Entropy } from '../../flow/entropy.js';
import { Problem } from '../../http/problem/problem.js';
import { type Actor, BOOTSTRAP } from '../actor.js';
import { AdminToken } from '../admin-token.js';
import { ApiKeys } from '../api-keys.js';
import { isInForce } from '../api-key.js';
import { actorOf, tokenUserOf } from '../tokens/token-actor.js';
import { TokenVerifier } from '../tokens/token-verifier.js';
import { isFromElsewhere, isOnLoopback, isSameOrigin, type OriginRequest } from './same-origin.js';
import { sessionCookieIn, setSessionCookie } from './session-cookie.js';
import { SessionRecords } from './session-records.js';
import { openSession, sealSession, type SealedSession, type SessionHolder, type SessionKey } from './session-seal.js';
import { tokenSessionKey, tokenSessionKeys } from './token-session-key.js';

/** How long a session lasts at most, ms. */
export const SESSION_MS = 8 * 3_600_000;
/** The same for a session that began without the database, ms: while it is away, no sign-out of it is known. */
export const SESSION_WITHOUT_DATABASE_MS = 3_600_000;

const ID_BYTES = 16;
/** The browser sends the cookie with admin calls alone, and no other call reads it. */
const ADMIN_PATH = '/api/admin';
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** What a session is judged by. */
export type SessionRequest = OriginRequest & { readonly url: string; readonly method: string };

/** What a request's cookie is worth. */
export type SessionOutcome =
  /** There is none, or the call is none that takes a cookie. */
  | { readonly kind: 'absent' }
  /** This installation has not sealed it. */
  | { readonly kind: 'refused' }
  /** This installation has sealed it, and it is over: by time, by its holder, or by a sign-out. */
  | { readonly kind: 'over' }
  | { readonly kind: 'live'; readonly session: SealedSession; readonly actor: Actor };

/** An open cookie. */
interface Opened {
  readonly session: SealedSession;
  /** Sealed with ADMIN_TOKEN itself: it began while the database was away. */
  readonly byToken: boolean;
}

/** A session that was just sealed. */
export interface BegunSession extends Opened {
  /** The cookie's value. */
  readonly text: string;
}

/** The sessions of the console: a credential in a cookie that a page cannot read. */
@Injectable()
export class Sessions {
  private readonly path: string;
  private readonly tokenKeys: readonly SessionKey[];

  constructor(
    config: AppConfig,
    private readonly records: SessionRecords,
    private readonly keys: ApiKeys,
    private readonly token: AdminToken,
    private readonly tokens: TokenVerifier,
    private readonly clock: Clock,
    private readonly entropy: Entropy,
  ) {
    this.path = `${config.http.basePath}${ADMIN_PATH}`;
    this.tokenKeys = tokenSessionKeys(token);
  }

  /**
   * Seals a session for whoever has shown `actor`'s credential.
   * @param credential the text behind `Bearer`.
   * @throws DatabaseError when the keys of sessions are not known and the database does not answer. ADMIN_TOKEN needs no
   * database, and begins a session all the same.
   */
  async begin(actor: Actor, credential: string): Promise<BegunSession> {
    const idBytes = Buffer.alloc(ID_BYTES);
    this.entropy.fill(idBytes);
    const { key, byToken } = await this.sealingKey(actor, credential);
    const forMs = byToken ? SESSION_WITHOUT_DATABASE_MS : SESSION_MS;
    const session: SealedSession = {
      id: idBytes.toString('base64url'),
      holder: this.holderOf(actor, credential),
      expiresAt: Math.min(this.clock.wall() + forMs, actor.expiresAt ?? Infinity),
    };
    return { session, byToken, text: sealSession(session, key, (bytes) => this.entropy.fill(bytes)) };
  }

  private async sealingKey(actor: Actor, credential: string): Promise<{ key: SessionKey; byToken: boolean }> {
    const keys = await this.records.keys().catch((error: unknown) => {
      if (actor.id !== BOOTSTRAP.id) throw error;
      return null;
    });
    if (keys === null) return { key: tokenSessionKey(this.token, credential), byToken: true };
    const [newest] = keys;
    if (newest === undefined) throw new Error('there is no key to seal a session with');
    return { key: newest, byToken: false };
  }

  /**
   * A sign-in needs no header that a form cannot set, since it brings a credential. But the browser would throw the cookie
   * away that it gets over plain HTTP, and a page of another origin has no business here.
   * @throws Problem `not-same-origin`.
   */
  refuseForeignPage(request: OriginRequest): void {
    if (isFromElsewhere(request) || isSameOrigin(request) === false) throw new Problem('not-same-origin');
  }

  /** The `Set-Cookie` header that gives this caller the session, or takes it away. */
  cookieFor(request: OriginRequest, begun: { readonly session: SealedSession; readonly text: string } | null): string {
    const place = { path: this.path, secure: !isOnLoopback(request) };
    if (begun === null) return setSessionCookie('', 0, place);
    return setSessionCookie(begun.text, begun.session.expiresAt - this.clock.wall(), place);
  }

  /**
   * What the cookie of this request is worth. It says nothing about whether a page of the service makes the call:
   * {@link refuseForgery} does.
   * @throws DatabaseError when something has to be looked up and the database does not answer.
   * @throws Problem `identity-unavailable` when a token began it and the provider has not told its keys yet.
   */
  async find(request: SessionRequest): Promise<SessionOutcome> {
    // mutant: cookie-for-claims
    const text = request.url.startsWith(`${ADMIN_PATH}/`) ? sessionCookieIn(request.headers.cookie) : null;
    if (text === null) return { kind: 'absent' };
    const opened = await this.open(text);
    if (opened === null) return { kind: 'refused' };
    const { session } = opened;
    if (this.isOver(session)) return { kind: 'over' };
    const actor = await this.actorOf(session.holder);
    // mutant: session-after-sign-out
    if (actor === null || (await this.isEnded(opened))) return { kind: 'over' };
    const expiresAt = Math.min(session.expiresAt, actor.expiresAt ?? Infinity);
    const { id, name, role } = actor;
    return { kind: 'live', session, actor: { id, name, role, expiresAt } };
  }

  /** Has its time come? */
  isOver({ expiresAt }: SealedSession): boolean {
    return expiresAt <= this.clock.wall();
  }

  private async open(text: string): Promise<Opened | null> {
    const own = openSession(text, (id) => this.tokenKeys.find((key) => key.id === id));
    // Who has the token could seal a session of anybody else with it.
    // mutant: token-seals-others
    if (own !== null) return own.holder.kind === 'admin-token' ? { session: own, byToken: true } : null;
    const keys = await this.records.keys();
    const session = openSession(text, (id) => keys.find((key) => key.id === id));
    return session === null ? null : { session, byToken: false };
  }

  /**
   * A session that began without the database goes on without it, in every process. All others need to know that nobody
   * has signed out of them.
   */
  private async isEnded({ session, byToken }: Opened): Promise<boolean> {
    try {
      return await this.records.isEnded(session.id);
    } catch (error) {
      // mutant: unknown-end
      if (!byToken) throw error;
      return false;
    }
  }

  /** Null when the holder's credential is not good any more. */
  private async actorOf(holder: SessionHolder): Promise<Actor | null> {
    switch (holder.kind) {
      case 'key': {
        const key = await this.keys.find(holder.id);
        // mutant: session-outlives-key
        if (key === null || !isInForce(key, this.clock.wall())) return null;
        this.keys.noteUse(key);
        return key;
      }
      case 'admin-token':
        return this.token.isFingerprint(holder.fingerprint) ? BOOTSTRAP : null;
      case 'token':
        return this.actorOfToken(holder);
    }
  }

  /** @throws Problem `identity-unavailable` while nobody can say whether the issuer still has the key. */
  private async actorOfToken({
    userId,
    role,
    grounds,
  }: Extract<SessionHolder, { kind: 'token' }>): Promise<Actor | null> {
    // mutant: session-outlives-its-token
    const standing = await this.tokens.standingOf(grounds);
    if (standing === 'unknown') throw new Problem('identity-unavailable');
    return standing === 'good' ? actorOf(userId, role, null) : null;
  }

  private holderOf(actor: Actor, credential: string): SessionHolder {
    if (actor.id === BOOTSTRAP.id) return { kind: 'admin-token', fingerprint: this.token.fingerprintOf(credential) };
    const userId = tokenUserOf(actor);
    if (userId === null) return { kind: 'key', id: actor.id };
    return { kind: 'token', userId, role: actor.role, grounds: this.tokens.groundsOf(credential) };
  }
}

/**
 * Refuses a call by cookie that a page of another origin may have caused: the browser adds the cookie by itself. A call
 * that changes something has to come from a page of the same origin, and has to bring a header that no form can set.
 *
 * @throws Problem `not-same-origin`.
 */
export function refuseForgery(request: SessionRequest): void {
  if (isFromElsewhere(request)) throw new Problem('not-same-origin');
  // mutant: forged-calls
  if (SAFE_METHODS.has(request.method)) return;
  const hasHeader = request.headers['x-requested-with'] !== undefined;
  if (!hasHeader || isSameOrigin(request) !== true) throw new Problem('not-same-origin');
}
