import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { Clock } from '../flow/clock.js';
import { callerAddress } from '../http/connections/caller-address.js';
import { networkOf } from '../http/connections/network-of.js';
import { Problem } from '../http/problem/problem.js';
import { type Actor } from './actor.js';
import { Authenticator } from './authenticator.js';
import { credentialIn } from './bearer.js';
import { GuessLimit, SlowedGuess } from './guess-limit.js';
import { type AdminRole, mayAct } from './key-role.js';
import { RightCredentials } from './right-credentials.js';
import { refuseForgery, Sessions } from './session/sessions.js';
import { actorOf } from './tokens/token-actor.js';
import { TokenVerifier } from './tokens/token-verifier.js';
import { userTokenIn } from './user-token.js';

/** The realm of operators, in the challenge of RFC 6750. */
const ADMINS = 'admin';

/** What the guard reads of a request. */
export type CredentialRequest = Pick<FastifyRequest, 'ip' | 'raw' | 'headers' | 'host' | 'url' | 'method'>;

/** Decides whether a request may make an admin call. */
@Injectable()
export class AdminAccess {
  private readonly guesses: GuessLimit;
  /** Exempt from the limit of their address. */
  private readonly right: RightCredentials;
  /** Requests whose wrong credential has been counted. */
  private readonly counted = new WeakSet<CredentialRequest>();

  constructor(
    private readonly authenticator: Authenticator,
    clock: Clock,
    private readonly tokens: TokenVerifier,
    private readonly sessions: Sessions,
  ) {
    this.guesses = new GuessLimit(() => clock.monotonic());
    this.right = new RightCredentials(() => clock.monotonic());
  }

  /**
   * For a call that needs a role.
   * @throws Problem as {@link AdminAccess.identify}; also `unauthorized` without a credential, and `role-not-allowed`
   * with the role that is needed.
   */
  async enter(request: CredentialRequest, needed: AdminRole): Promise<Actor> {
    const actor = await this.identify(request);
    if (actor === null && request.headers.authorization === undefined) throw unauthorized('absent', ADMINS);
    if (actor === null || !mayAct(actor.role, needed)) {
      throw new Problem('role-not-allowed', { extensions: { neededRole: needed } });
    }
    return actor;
  }

  /**
   * For a call that shows more to some callers. null: the request brings no credential, or the token of a user without a
   * role. The session of an admin call counts where the request has no Authorization header.
   * @param realm of the challenge in the answer to a wrong credential.
   * @throws Problem `unauthorized` for a wrong credential, `too-many-requests` after too many of them from this
   * address; for a token also `user-not-usable` and `identity-unavailable`; for a session also `session-expired` and
   * `not-same-origin`.
   * @throws DatabaseError when an API key has to be looked up and the database does not answer.
   */
  async identify(request: CredentialRequest, realm = ADMINS): Promise<Actor | null> {
    const { authorization } = request.headers;
    if (authorization === undefined) return this.identifyBySession(request, realm);
    const token = this.tokenIn(request);
    if (token !== undefined) return this.identifyByToken(request, token, realm);
    if (!this.authenticator.mayBeGuess(authorization)) throw unauthorized('refused', realm);
    const address = networkOf(callerAddress(request));
    const refusal = this.refusalOf(request, address, authorization);
    // A guesser that is refused here does not learn whether the guess was right. Nobody guesses the 256 bits of an API
    // key, so that a key which this process has not seen yet is judged all the same.
    // mutant: keys-locked-out
    if (refusal !== null && !this.authenticator.showsKey(authorization)) throw refusal;
    const found = await this.authenticator.authenticate(authorization);
    if (found.kind !== 'known') {
      if (refusal !== null) throw refusal;
      this.noteFailure(request, address);
      throw unauthorized('refused', realm);
    }
    this.right.note(credentialIn(authorization) as string);
    return found.actor;
  }

  /** Is the caller known to be an operator or a viewer, as far as memory tells? For the order of reads alone. */
  isKnownAdmin(request: CredentialRequest): boolean {
    const { authorization } = request.headers;
    if (authorization === undefined) return false;
    const token = this.tokenIn(request);
    if (token !== undefined) return this.tokens.isKnownAdmin(token);
    const address = networkOf(callerAddress(request));
    // mutant: guesses-at-reads
    if (this.refusalOf(request, address, authorization) !== null) return false;
    const found = this.authenticator.authenticateFromMemory(authorization);
    if (found.kind === 'known') return mayAct(found.actor.role, 'viewer');
    // Counted also where the call needs no credential: its place among the reads would tell a guesser.
    if (found.kind === 'refused' && this.authenticator.mayBeGuess(authorization)) this.noteFailure(request, address);
    return found.kind === 'absent' && this.wasRight(authorization);
  }

  /**
   * The same for an admin call, where a session counts too. A token that memory does not know is verified: an operator has a new one every few
   * minutes, and must not stop a sale from behind a crowd of readers. Not for an address that has guessed too often, so
   * that it does not take time from claims with invented tokens.
   */
  async isAdmin(request: CredentialRequest): Promise<boolean> {
    if (request.headers.authorization === undefined) return this.hasSession(request);
    if (this.isKnownAdmin(request)) return true;
    const token = this.tokenIn(request);
    if (token === undefined || this.slowed(networkOf(callerAddress(request))) !== null) return false;
    await this.tokens.verify(token);
    return this.tokens.isKnownAdmin(token);
  }

  private async hasSession(request: CredentialRequest): Promise<boolean> {
    try {
      return (await this.sessions.find(request)).kind === 'live';
    } catch {
      // The database is away. The call itself says so.
      return false;
    }
  }

  private async identifyBySession(request: CredentialRequest, realm: string): Promise<Actor | null> {
    const outcome = await this.sessions.find(request);
    switch (outcome.kind) {
      case 'absent':
        return null;
      case 'refused':
        throw unauthorized('refused', realm);
      case 'over':
        throw sessionExpired(realm);
      case 'live':
        refuseForgery(request);
        return outcome.actor;
    }
  }

  private tokenIn({ headers: { authorization } }: CredentialRequest): string | undefined {
    return this.tokens.isOn && authorization !== undefined ? userTokenIn(authorization) : undefined;
  }

  /**
   * A token is verified also while its address is refused. A signature cannot be guessed, and an operator's token is a
   * new one every few minutes, so this process has never found it right before.
   * @returns null for a user without a role.
   */
  private async identifyByToken(request: CredentialRequest, token: string, realm: string): Promise<Actor | null> {
    const outcome = await this.tokens.verify(token);
    switch (outcome.kind) {
      case 'user':
        return outcome.role === null ? null : actorOf(outcome.userId, outcome.role, outcome.expiresAt);
      case 'unusable-user':
        throw new Problem('user-not-usable');
      case 'keys-unavailable':
        throw new Problem('identity-unavailable');
      case 'invalid': {
        // The issuer has signed an expired token, so its caller does not guess.
        if (outcome.why === 'expired') throw unauthorized('refused', realm);
        const address = networkOf(callerAddress(request));
        const slowed = this.slowed(address);
        if (slowed !== null) throw slowed;
        this.guesses.noteFailure(address);
        throw unauthorized('refused', realm);
      }
    }
  }

  /** The refusal of a credential that may be a guess; null where the credential is to be judged. */
  private refusalOf(request: CredentialRequest, address: string, authorization: string): Problem | null {
    const slowed = this.counted.has(request) ? null : this.slowed(address);
    return slowed !== null && this.wasRight(authorization) ? null : slowed;
  }

  /** Once for each request, which may be judged several times. */
  private noteFailure(request: CredentialRequest, address: string): void {
    if (this.counted.has(request)) return;
    this.counted.add(request);
    this.guesses.noteFailure(address);
  }

  /** The refusal of an address that has guessed too often. */
  private slowed(address: string): Problem | null {
    const wait = this.guesses.secondsLeft(address);
    return wait > 0 ? new SlowedGuess(wait) : null;
  }

  private wasRight(authorization: string): boolean {
    const credential = credentialIn(authorization);
    return credential !== undefined && this.right.has(credential);
  }
}

/** Only who holds a cookie that this installation has sealed hears it. */
function sessionExpired(realm: string): Problem {
  return new Problem('session-expired', { headers: { 'www-authenticate': challengeOf('refused', realm) } });
}

/** The refusal of a missing or wrong credential, with the challenge that RFC 6750 §3 requires. */
export function unauthorized(kind: 'absent' | 'refused', realm: string): Problem {
  return new Problem('unauthorized', { headers: { 'www-authenticate': challengeOf(kind, realm) } });
}

function challengeOf(kind: 'absent' | 'refused', realm: string): string {
  return `Bearer realm="${realm}"${kind === 'absent' ? '' : ', error="invalid_token"'}`;
}
