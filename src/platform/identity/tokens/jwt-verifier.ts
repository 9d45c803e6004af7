import {
  type CryptoKey,
  decodeProtectedHeader,
  errors,
  type JWSHeaderParameters,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
} from 'jose';
import { type JwtConfig } from '../../config/jwt-config.js';
import { type Clock } from '../../flow/clock.js';
import { userIdOrNumber } from '../../http/input/schemas.js';
import { digestOf } from '../../values/digest.js';
import { claimAt, roleOf } from './claim-path.js';
import { type IssuerKeys, KeysUnavailableError } from './issuer-keys.js';
import { type TokenMetrics } from './token.metrics.js';
import {
  looksLikeToken,
  MAX_TOKEN_LENGTH,
  type TokenFault,
  type TokenOutcome,
  TokenVerifier,
} from './token-verifier.js';
import { VerifiedTokens } from './verified-tokens.js';

/** How far the clocks of issuer and service may be apart, s. */
const TOLERANCE_S = 30;

/** Kinds of tokens that open something (header `typ`). A logout token or a DPoP proof says who it is about, too. */
const TOKEN_TYPES: readonly unknown[] = [undefined, 'jwt', 'at+jwt', 'application/jwt', 'application/at+jwt'];
/** Keycloak names the kind in the payload and signs all of them alike; an offline token is a refresh token. */
const REFUSED_TYPES: readonly unknown[] = ['refresh', 'offline', 'logout'];

const UNUSABLE_USER: TokenOutcome = { kind: 'unusable-user' };

/** Verifies tokens with `jose` and the keys of one issuer, and remembers what they said. */
export class JwtVerifier extends TokenVerifier {
  override readonly isOn = true;
  private readonly tokens: VerifiedTokens;
  private readonly options: JWTVerifyOptions;

  constructor(
    private readonly config: Pick<JwtConfig, 'issuer' | 'audiences' | 'algorithms' | 'userClaim' | 'roleClaim'>,
    private readonly keys: IssuerKeys,
    private readonly clock: Clock,
    private readonly metrics: TokenMetrics,
  ) {
    super();
    this.tokens = new VerifiedTokens(clock);
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

  override recall(token: string): TokenOutcome | undefined {
    return token.length > MAX_TOKEN_LENGTH ? undefined : this.tokens.find(digestOf(token));
  }

  private async verifyNew(token: string, digest: string): Promise<TokenOutcome> {
    try {
      const payload = await this.payloadOf(token);
      const expiresAt = (payload.exp as number) * 1_000;
      const outcome = this.read(payload, expiresAt);
      this.tokens.put(digest, outcome, expiresAt + TOLERANCE_S * 1_000);
      return this.counted(outcome);
    } catch (error) {
      if (error instanceof KeysUnavailableError) return this.counted({ kind: 'keys-unavailable' });
      return this.counted(invalid(faultOf(error)));
    }
  }

  /** @throws Refused, KeysUnavailableError, or what `jose` throws. No message holds a part of the token. */
  private async payloadOf(token: string): Promise<JWTPayload> {
    if (!looksLikeToken(token)) throw new Refused('malformed');
    const header = headerOf(token);
    // Before a key is looked for: an unknown key may cause a call to the provider.
    if (!this.config.algorithms.includes(header.alg ?? '')) throw new Refused('algorithm');
    const payload = await this.verifyWith(await this.keys.find(header), token);
    if (!TOKEN_TYPES.includes(lowerCase(header.typ))) throw new Refused('type');
    if (REFUSED_TYPES.includes(lowerCase(payload['typ']))) throw new Refused('type');
    // JSON has no infinity, but 1e999 becomes one.
    if (!Number.isFinite(payload.exp)) throw new Refused('claims');
    return payload;
  }

  private async verifyWith(keys: readonly CryptoKey[], token: string): Promise<JWTPayload> {
    // The instant of this check, by the service's clock.
    const options = { ...this.options, currentDate: new Date(this.clock.wall()) };
    let fault: TokenFault = 'key';
    for (const key of keys) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (error) {
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error;
        fault = 'signature';
      }
    }
    throw new Refused(fault);
  }

  private read(payload: JWTPayload, expiresAt: number): TokenOutcome {
    const { userClaim, roleClaim } = this.config;
    const user = userIdOrNumber.safeParse(claimAt(payload, userClaim));
    if (!user.success) return UNUSABLE_USER;
    const role = roleClaim === undefined ? null : roleOf(claimAt(payload, roleClaim));
    return { kind: 'user', userId: user.data, role, expiresAt };
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

function headerOf(token: string): JWSHeaderParameters {
  try {
    return decodeProtectedHeader(token) as JWSHeaderParameters;
  } catch {
    throw new Refused('malformed');
  }
}

const lowerCase = (value: unknown): unknown => (typeof value === 'string' ? value.toLowerCase() : value);

const FAULTS: Readonly<Record<string, TokenFault>> = {
  ERR_JWT_EXPIRED: 'expired',
  ERR_JOSE_ALG_NOT_ALLOWED: 'algorithm',
  // An extension that is critical and unknown.
  ERR_JOSE_NOT_SUPPORTED: 'malformed',
  ERR_JWS_INVALID: 'malformed',
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
