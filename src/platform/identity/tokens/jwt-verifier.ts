import {
  type CryptoKey,
  decodeProtectedHeader,
  errors,
  type JWSHeaderParameters,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
  type JWTVerifyResult,
} from 'jose';
import { ME, USER_ID } from '../../../domain/user-id.js';
import { type JwtConfig } from '../../config/jwt-config.js';
import { type Clock } from '../../flow/clock.js';
import { digestOf } from '../../values/digest.js';
import { isAdminRole } from '../key-role.js';
import { claimAt, roleOf } from './claim-path.js';
import { type IssuerKeys, KeysUnavailableError } from './issuer-keys.js';
import { type TokenMetrics } from './token.metrics.js';
import {
  looksLikeToken,
  MAX_TOKEN_LENGTH,
  type TokenFault,
  type TokenGrounds,
  type TokenOutcome,
  TokenVerifier,
} from './token-verifier.js';
import { VerifiedTokens } from './verified-tokens.js';

/** How far the clocks of issuer and service may be apart, s. */
const TOLERANCE_S = 30;

/** A token is not verified again for a minute. The memory takes about 30 MB. */
const VERIFIED = { most: 100_000, forMs: 60_000 };
/** Tokens of operators and viewers are known until they end. */
const ADMINS = { most: 1_000, forMs: Infinity };

/** Kinds of tokens that open something (header `typ`). A logout token or a DPoP proof says who it is about, too. */
const TOKEN_TYPES: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/jwt', 'application/at+jwt'];
/** Keycloak names the kind in the payload and signs all of them alike; an offline token is a refresh token. */
const REFUSED_TYPES: readonly unknown[] = ['refresh', 'offline', 'logout'];

const UNUSABLE_USER: TokenOutcome = { kind: 'unusable-user' };

/** Verifies tokens with `jose` and the keys of one issuer, and remembers what they said. */
export class JwtVerifier extends TokenVerifier {
  override readonly isOn = true;
  private readonly tokens: VerifiedTokens;
  private readonly admins: VerifiedTokens;
  private readonly options: JWTVerifyOptions;
  private readonly settings: string;

  constructor(
    private readonly config: JwtConfig,
    private readonly keys: IssuerKeys,
    private readonly clock: Clock,
    private readonly metrics: TokenMetrics,
  ) {
    super();
    this.tokens = new VerifiedTokens(clock, VERIFIED);
    this.admins = new VerifiedTokens(clock, ADMINS);
    const { issuer, audiences, algorithms, keys: source, userClaim, roleClaim } = config;
    // The keys of a URL change by themselves, and are looked at.
    const known = source.kind === 'file' ? source.keys : null;
    this.settings = digestOf(JSON.stringify([issuer, audiences, algorithms, known, userClaim, roleClaim ?? null]));
    this.options = {
      issuer: config.issuer,
      audience: [...config.audiences],
      algorithms: [...config.algorithms],
      clockTolerance: TOLERANCE_S,
      requiredClaims: ['exp'],
    };
  }

  override get trouble(): string | null {
    return this.keys.trouble;
  }

  override verify(token: string): TokenOutcome | Promise<TokenOutcome> {
    // Before it is hashed or parsed: a caller must not be able to make that dear.
    if (token.length > MAX_TOKEN_LENGTH) return this.counted(invalid('too-long'));
    const digest = digestOf(token);
    const known = this.tokens.find(digest);
    if (known === undefined) return this.verifyNew(token, digest);
    this.metrics.count('remembered');
    return known;
  }

  override isKnownAdmin(token: string): boolean {
    return token.length <= MAX_TOKEN_LENGTH && this.admins.find(digestOf(token)) !== undefined;
  }

  override groundsOf(token: string): TokenGrounds {
    const { alg = '', kid = null } = decodeProtectedHeader(token);
    return { settings: this.settings, alg, kid };
  }

  override async standingOf({ settings, alg, kid }: TokenGrounds): Promise<'good' | 'over' | 'unknown'> {
    if (settings !== this.settings) return 'over';
    try {
      const keys = await this.keys.find(kid === null ? { alg } : { alg, kid });
      return keys.length > 0 ? 'good' : 'over';
    } catch (error) {
      if (error instanceof KeysUnavailableError) return 'unknown';
      throw error;
    }
  }

  private async verifyNew(token: string, digest: string): Promise<TokenOutcome> {
    try {
      const payload = await this.payloadOf(token);
      const expiresAt = (payload.exp as number) * 1_000;
      const outcome = this.read(payload, expiresAt);
      const until = expiresAt + TOLERANCE_S * 1_000;
      this.tokens.put(digest, outcome, until);
      if (isAdmin(outcome)) this.admins.put(digest, outcome, until);
      return this.counted(outcome);
    } catch (error) {
      if (error instanceof KeysUnavailableError) return this.counted({ kind: 'keys-unavailable' });
      // Its key may have been withdrawn.
      this.admins.forget(digest);
      return this.counted(invalid(faultOf(error)));
    }
  }

  /** @throws Refused, KeysUnavailableError, or what `jose` throws. No message holds a part of the token. */
  private async payloadOf(token: string): Promise<JWTPayload> {
    if (!looksLikeToken(token)) throw new Refused('malformed');
    const { protectedHeader: header, payload } = await this.verifyByLatestKeys(token);
    if (!TOKEN_TYPES.includes(lowerCase(header.typ))) throw new Refused('type');
    if (REFUSED_TYPES.includes(lowerCase(payload['typ']))) throw new Refused('type');
    // JSON has no infinity, but 1e999 becomes one.
    if (!Number.isFinite(payload.exp)) throw new Refused('claims');
    return payload;
  }

  /** A provider may give a new key the name of the old one, or none: then nobody but the signature shows that it is new. */
  private async verifyByLatestKeys(token: string): Promise<JWTVerifyResult> {
    const { generation } = this.keys;
    try {
      return await this.verifyByIssuer(token);
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
      if (this.keys.generation === generation) await this.keys.renew();
      if (this.keys.generation === generation) throw error;
      return this.verifyByIssuer(token);
    }
  }

  /** With a key that the header leads to. `jose` asks for it after it has checked the algorithm. */
  private async verifyByIssuer(token: string): Promise<JWTVerifyResult> {
    // The instant of this check, by the service's clock.
    const options = { ...this.options, currentDate: new Date(this.clock.wall()) };
    let others: readonly CryptoKey[] = [];
    const findKey = async (header: JWSHeaderParameters): Promise<CryptoKey> => {
      const [key, ...rest] = await this.keys.find(header);
      if (key === undefined) throw new Refused('key');
      others = rest;
      return key;
    };
    try {
      return await jwtVerify(token, findKey, options);
    } catch (error) {
      return this.verifyWithOthers(error, others, token, options);
    }
  }

  /** A token without `kid` may be signed with any key of its kind. */
  private async verifyWithOthers(
    error: unknown,
    [key, ...others]: readonly CryptoKey[],
    token: string,
    options: JWTVerifyOptions,
  ): Promise<JWTVerifyResult> {
    if (key === undefined || !(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
    try {
      return await jwtVerify(token, key, options);
    } catch (next) {
      return this.verifyWithOthers(next, others, token, options);
    }
  }

  private read(payload: JWTPayload, expiresAt: number): TokenOutcome {
    const { userClaim, roleClaim } = this.config;
    const userId = userIdOf(claimAt(payload, userClaim));
    if (userId === null) return UNUSABLE_USER;
    const role = roleClaim === undefined ? null : roleOf(claimAt(payload, roleClaim));
    return { kind: 'user', userId, role, expiresAt };
  }

  private counted(outcome: TokenOutcome): TokenOutcome {
    this.metrics.countNew(outcome);
    return outcome;
  }
}

class Refused extends Error {
  constructor(readonly why: TokenFault) {
    super(why);
  }
}

const invalid = (why: TokenFault): TokenOutcome => ({ kind: 'invalid', why });

/** The same ids as in the body of a claim, but not `me`. The schema that checks them there would cost more than the rest of this check. */
function userIdOf(claim: unknown): string | null {
  const id = Number.isSafeInteger(claim) && (claim as number) >= 0 ? String(claim) : claim;
  return typeof id === 'string' && USER_ID.test(id) && id !== ME ? id : null;
}

function isAdmin(outcome: TokenOutcome): boolean {
  return outcome.kind === 'user' && outcome.role !== null && isAdminRole(outcome.role);
}

const lowerCase = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value);

const FAULTS: Readonly<Record<string, TokenFault>> = {
  ERR_JWT_EXPIRED: 'expired',
  ERR_JOSE_ALG_NOT_ALLOWED: 'algorithm',
  // An extension that is critical and unknown.
  ERR_JOSE_NOT_SUPPORTED: 'malformed',
  ERR_JWS_INVALID: 'malformed',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'signature',
  ERR_JWT_INVALID: 'malformed',
};

/** @throws the error itself when it says nothing about the token. */
function faultOf(error: unknown): TokenFault {
  if (error instanceof Refused) return error.why;
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'iss') return 'issuer';
    if (error.claim === 'aud') return 'audience';
    return error.claim === 'nbf' && error.reason === 'check_failed' ? 'not-yet-valid' : 'claims';
  }
  const fault = error instanceof errors.JOSEError ? FAULTS[error.code] : undefined;
  if (fault === undefined) throw error;
  return fault;
}
