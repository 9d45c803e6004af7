import { type KeyRole } from '../key-role.js';

/**
 * Why a token is refused:
 * - malformed: it is no JWT in its compact form, or needs what the service does not know (`crit`)
 * - too-long: longer than {@link MAX_TOKEN_LENGTH}
 * - algorithm: none of JWT_ALGORITHMS
 * - key: its `kid` names no key of the issuer, or no key of the issuer suits its algorithm
 * - signature: no key of the issuer has signed it
 * - issuer, audience: it is somebody else's, or for somebody else
 * - expired, not-yet-valid: with 30 s of tolerance
 * - type: a refresh token, or another kind of token that opens nothing here
 * - claims: no `exp`, or a claim in a form that it must not have
 */
export const TOKEN_FAULTS = [
  'malformed',
  'too-long',
  'algorithm',
  'key',
  'signature',
  'issuer',
  'audience',
  'expired',
  'not-yet-valid',
  'type',
  'claims',
] as const;

export type TokenFault = (typeof TOKEN_FAULTS)[number];

/** What a token says. */
export type TokenOutcome =
  | {
      readonly kind: 'user';
      readonly userId: string;
      /** What JWT_ROLE_CLAIM gives; null: the caller is a user and no more. */
      readonly role: KeyRole | null;
      /** `exp`: ms since the Unix epoch. */
      readonly expiresAt: number;
    }
  | { readonly kind: 'invalid'; readonly why: TokenFault }
  /** The token is right, but what it says of its user cannot be a user's id here. */
  | { readonly kind: 'unusable-user' }
  /** The keys that could judge the token are not known, because the provider does not answer. */
  | { readonly kind: 'keys-unavailable' };

/** What a token was valid by, besides its time: whatever outlives the token has to end with it. */
export interface TokenGrounds {
  /** A digest of the service's settings (JWT_…), and of the issuer's keys where they are a file. */
  readonly settings: string;
  /** Of the key that signed it, by the header. */
  readonly alg: string;
  readonly kid: string | null;
}

/** Longer tokens are refused unread, in characters. All headers of a request together may have 8 KiB. */
export const MAX_TOKEN_LENGTH = 6_144;

/** Three parts in base64url, as `Authorization: Bearer` carries a signed JWT. */
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** Has the text the form of a signed token? It reads nothing of it. */
export function looksLikeToken(text: string): boolean {
  return text.length <= MAX_TOKEN_LENGTH && COMPACT.test(text);
}

/** Says who a token names. Only its issuer's keys decide; nothing that stands in the token is trusted before. */
export abstract class TokenVerifier {
  /** Does the service take tokens at all (IDENTITY=jwt)? */
  abstract readonly isOn: boolean;

  /** What is wrong with the issuer's keys, as one clause; null while they are known and the provider answers. */
  abstract readonly trouble: string | null;

  /** Answers at once for a token that was verified within the last minute: a retry costs a hash. */
  abstract verify(token: string): TokenOutcome | Promise<TokenOutcome>;

  /** Of a token that was verified a moment ago. */
  abstract groundsOf(token: string): TokenGrounds;

  /**
   * Would a token of these grounds still be taken? `over`: the settings are others, or the issuer has withdrawn the key;
   * `unknown`: the provider has not told its keys yet.
   */
  abstract standingOf(grounds: TokenGrounds): Promise<'good' | 'over' | 'unknown'>;

  /**
   * Does this token belong to an operator or a viewer, as far as memory tells? From its first verification until its
   * end. It is for the order of calls alone: only {@link verify} opens something.
   */
  abstract isKnownAdmin(token: string): boolean;
}

/** Without IDENTITY=jwt: no token opens anything. */
export class NoTokens extends TokenVerifier {
  override readonly isOn: boolean = false;
  override readonly trouble = null;

  override verify(_token: string): TokenOutcome | Promise<TokenOutcome> {
    return { kind: 'invalid', why: 'issuer' };
  }

  override groundsOf(): TokenGrounds {
    throw new Error('no token is taken');
  }

  override standingOf(): Promise<'over'> {
    return Promise.resolve('over');
  }

  override isKnownAdmin(_token: string): boolean {
    return false;
  }
}
