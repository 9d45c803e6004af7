import { Injectable } from '@nestjs/common';
import { ME } from '../../domain/user-id.js';
import { type Identity } from '../config/config-parts.js';
import { AppConfig } from '../config/env.js';
import { INPUT_RULES, type InputRuleName } from '../http/input/input-rules.js';
import { Problem } from '../http/problem/problem.js';
import { type Actor } from './actor.js';
import { AdminAccess, type CredentialRequest, unauthorized } from './admin-access.js';
import { Authenticator } from './authenticator.js';
import { type AdminRole, isAdminRole, maySeeCodes } from './key-role.js';
import { actorOf } from './tokens/token-actor.js';
import { type TokenOutcome, TokenVerifier } from './tokens/token-verifier.js';
import { userTokenIn } from './user-token.js';

/** Who makes a call of the drop. */
export type Caller =
  /** Nobody has said so. Only with `IDENTITY=open`. */
  | { readonly kind: 'anyone' }
  /** The user of a token. `role`: what an operator who signed in by the same issuer may do besides. */
  | { readonly kind: 'user'; readonly userId: string; readonly role: AdminRole | null }
  /** A server that acts for all users. */
  | { readonly kind: 'issuer'; readonly key: Actor }
  /** An operator, a viewer or an admin. */
  | { readonly kind: 'admin'; readonly actor: Actor };

/** Whose data a caller reads, and how much of it. */
export interface Reading {
  readonly userId: string;
  /** May the caller see the codes of coupons? */
  readonly withCodes: boolean;
  /** May the caller see the ids of claims? With `IDENTITY=open` such an id proves a claim, and so opens its code. */
  readonly withClaimIds: boolean;
}

/** The realm of callers, in the challenge of RFC 6750. */
const CALLERS = 'coupons';

const ANYONE: Caller = { kind: 'anyone' };

/** Finds out who calls, and which user the call is about. */
@Injectable()
export class CallerAccess {
  private readonly identity: Identity;

  constructor(
    config: AppConfig,
    private readonly admins: AdminAccess,
    private readonly authenticator: Authenticator,
    private readonly tokens: TokenVerifier,
  ) {
    this.identity = config.identity;
  }

  /** With a token, the body of a claim need not name its user. */
  get knowsUsers(): boolean {
    return this.identity === 'jwt';
  }

  /**
   * At once where memory can tell, so that a claim pays for no promise.
   *
   * @throws Problem `unauthorized` without a credential and for a wrong one, `role-not-allowed` for a key that is for
   * other calls, `user-not-usable`, `too-many-requests` after too many wrong API keys from this address.
   * @throws DatabaseError when an API key has to be looked up and the database does not answer.
   */
  identify(request: CredentialRequest): Caller | Promise<Caller> {
    const { authorization } = request.headers;
    if (authorization === undefined) {
      if (this.identity === 'open') return ANYONE;
      throw unauthorized('absent', CALLERS);
    }
    const token = this.identity === 'jwt' ? userTokenIn(authorization) : undefined;
    if (token !== undefined) {
      const outcome = this.tokens.verify(token);
      return outcome instanceof Promise ? outcome.then(callerOf) : callerOf(outcome);
    }
    const known = this.authenticator.recall(authorization);
    return known === undefined ? this.identifyByKey(request) : this.withRole(known);
  }

  /** The same for a claim. With `IDENTITY=open` it reads nothing, so that such a claim costs what it did before. */
  identifyClaimant(request: CredentialRequest): Caller | Promise<Caller> {
    return this.identity === 'open' ? ANYONE : this.identify(request);
  }

  /**
   * The user for whom a caller claims.
   *
   * @param named by the body; undefined when it names none.
   * @throws Problem `not-your-user`, `role-not-allowed`, `validation-failed`.
   */
  userOf(caller: Caller, named: string | undefined): string {
    switch (caller.kind) {
      case 'anyone':
        return named ?? refuseUser('body', 'user-id');
      case 'user':
        // mutant: claims-for-others
        if (named !== undefined && named !== caller.userId) throw new Problem('not-your-user');
        return caller.userId;
      case 'issuer':
        if (named === ME) refuseUser('body', 'user-me');
        return named ?? refuseUser('body', 'user-id');
      case 'admin':
        throw roleNotAllowed();
    }
  }

  /**
   * What a caller may read of the user in a path.
   *
   * @throws Problem `not-your-user`, whether or not there is such a user; `validation-failed` for `me` of a caller who is
   * no user.
   */
  readingOf(caller: Caller, named: string): Reading {
    if (this.identity === 'open') {
      const role = caller.kind === 'issuer' ? caller.key.role : caller.kind === 'admin' ? caller.actor.role : null;
      const withCodes = role !== null && maySeeCodes(role);
      return { userId: named, withCodes, withClaimIds: withCodes };
    }
    if (caller.kind === 'user') {
      const { userId, role } = caller;
      if (named === ME || named === userId) return { userId, withCodes: true, withClaimIds: true };
      // mutant: data-of-others
      if (role === null) throw new Problem('not-your-user');
      return { userId: named, withCodes: maySeeCodes(role), withClaimIds: true };
    }
    if (named === ME) refuseUser('path', 'user-me');
    return {
      userId: named,
      withCodes: caller.kind === 'issuer' || (caller.kind === 'admin' && maySeeCodes(caller.actor.role)),
      withClaimIds: true,
    };
  }

  private async identifyByKey(request: CredentialRequest): Promise<Caller> {
    const actor = await this.admins.identify(request, CALLERS);
    return actor === null ? ANYONE : this.withRole(actor);
  }

  private withRole(actor: Actor): Caller {
    if (actor.role === 'issuer') return { kind: 'issuer', key: actor };
    if (isAdminRole(actor.role)) return { kind: 'admin', actor };
    if (this.identity === 'open') return ANYONE;
    throw roleNotAllowed();
  }
}

function callerOf(outcome: TokenOutcome): Caller {
  switch (outcome.kind) {
    case 'user': {
      const { userId, role, expiresAt } = outcome;
      if (role === 'issuer') return { kind: 'issuer', key: actorOf(userId, role, expiresAt) };
      return { kind: 'user', userId, role: role !== null && isAdminRole(role) ? role : null };
    }
    case 'unusable-user':
      throw new Problem('user-not-usable');
    case 'keys-unavailable':
      throw new Problem('identity-unavailable');
    case 'invalid':
      throw unauthorized('refused', CALLERS);
  }
}

/** For a key whose role is not for the calls of a drop. */
function roleNotAllowed(): Problem {
  return new Problem('role-not-allowed', { extensions: { neededRole: 'issuer' } });
}

function refuseUser(part: 'body' | 'path', rule: InputRuleName): never {
  const { ko, en } = INPUT_RULES[rule];
  throw new Problem('validation-failed', {
    extensions: { errors: [{ in: part, pointer: '/userId', detail: { ko, en } }] },
  });
}
