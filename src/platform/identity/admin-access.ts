import { Injectable } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { Clock } from '../flow/clock.js';
import { callerAddress } from '../http/connections/caller-address.js';
import { networkOf } from '../http/connections/network-of.js';
import { Problem } from '../http/problem/problem.js';
import { digestOf } from '../values/digest.js';
import { putNewest } from '../values/put-newest.js';
import { type Actor } from './actor.js';
import { Authenticator } from './authenticator.js';
import { GuessLimit } from './guess-limit.js';
import { type AdminRole, mayAct } from './key-role.js';

/** How long a credential that was right is exempt from the limit of its address, ms. */
const KNOWN_MS = 3_600_000;
/** How many such credentials are remembered; the one that was used longest ago is forgotten first. */
const MAX_KNOWN = 1_000;

/** The realm of operators, in the challenge of RFC 6750. */
const ADMINS = 'admin';

/** What the guard reads of a request. */
export type CredentialRequest = Pick<FastifyRequest, 'ip' | 'raw' | 'headers'>;

/** Decides whether a request may make an admin call. */
@Injectable()
export class AdminAccess {
  private readonly guesses: GuessLimit;
  /** SHA-256 of a right Authorization header → when it was used last: monotonic, ms. The oldest come first. */
  private readonly known = new Map<string, number>();

  constructor(
    private readonly authenticator: Authenticator,
    private readonly clock: Clock,
  ) {
    this.guesses = new GuessLimit(() => clock.monotonic());
  }

  /**
   * For a call that needs a role.
   * @throws Problem as {@link AdminAccess.identify}; also `unauthorized` without a credential, and `role-not-allowed`
   * with the role that is needed.
   */
  async enter(request: CredentialRequest, needed: AdminRole): Promise<Actor> {
    const actor = await this.identify(request);
    if (actor === null) throw unauthorized('absent', ADMINS);
    if (!mayAct(actor.role, needed)) throw new Problem('role-not-allowed', { extensions: { neededRole: needed } });
    return actor;
  }

  /**
   * For a call that shows more to some callers. null: the request brings no credential.
   * @param realm of the challenge in the answer to a wrong credential.
   * @throws Problem `unauthorized` for a wrong credential, `too-many-requests` after too many of them from this address.
   * @throws DatabaseError when an API key has to be looked up and the database does not answer.
   */
  async identify(request: CredentialRequest, realm = ADMINS): Promise<Actor | null> {
    const { authorization } = request.headers;
    if (authorization === undefined) return null;
    const address = networkOf(callerAddress(request));
    const wait = this.guesses.secondsLeft(address);
    // A guesser that is refused here does not learn whether the guess was right.
    if (wait > 0 && !this.wasRight(authorization)) {
      throw new Problem('too-many-requests', { headers: { 'retry-after': String(wait) } });
    }
    const found = await this.authenticator.authenticate(authorization);
    if (found.kind !== 'known') {
      this.guesses.noteFailure(address);
      throw unauthorized('refused', realm);
    }
    this.remember(authorization);
    return found.actor;
  }

  /** Is the caller known to be an operator or a viewer, as far as memory tells? For the order of reads alone. */
  isKnownAdmin({ headers: { authorization } }: CredentialRequest): boolean {
    if (authorization === undefined) return false;
    const found = this.authenticator.authenticateFromMemory(authorization);
    if (found.kind === 'known') return mayAct(found.actor.role, 'viewer');
    return found.kind === 'absent' && this.wasRight(authorization);
  }

  private wasRight(authorization: string): boolean {
    const at = this.known.get(digestOf(authorization));
    return at !== undefined && this.clock.monotonic() - at < KNOWN_MS;
  }

  private remember(authorization: string): void {
    putNewest(this.known, digestOf(authorization), this.clock.monotonic(), MAX_KNOWN);
  }
}

/** The refusal of a missing or wrong credential, with the challenge that RFC 6750 §3 requires. */
export function unauthorized(kind: 'absent' | 'refused', realm: string): Problem {
  const challenge = `Bearer realm="${realm}"`;
  return new Problem('unauthorized', {
    headers: { 'www-authenticate': kind === 'absent' ? challenge : `${challenge}, error="invalid_token"` },
  });
}
