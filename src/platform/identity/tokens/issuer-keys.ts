import { Logger } from '@nestjs/common';
import { type CryptoKey, createLocalJWKSet, errors, type JWK, type JWSHeaderParameters } from 'jose';

/** No key of the issuer is known that could judge a token, because the provider does not answer. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
}

/** The keys of the issuer. */
export abstract class IssuerKeys {
  /** What is wrong, as one clause; null while the keys are known and the provider answers. */
  abstract readonly trouble: string | null;

  /** Counts the sets of keys. It changes when another one has arrived. */
  abstract readonly generation: number;

  /** Begins to fetch what has to be fetched. Returns at once. */
  abstract start(): void;

  abstract stop(): void;

  /**
   * The keys that may have signed a token with this header. No key, and no address of one, is taken from the header.
   * @throws KeysUnavailableError
   */
  abstract find(header: JWSHeaderParameters): Promise<readonly CryptoKey[]>;

  /**
   * For a token that none of the keys which fit has signed: fetches them again, unless that was done for another such
   * token within the last 30 s. Never rejects.
   */
  abstract renew(): Promise<void>;
}

/** An issuer has a few keys. */
const MAX_KEYS = 32;
/** A token without a `kid` is tried with this many keys at most. */
const MAX_CANDIDATES = 4;

/** One set of keys that does not change, and of which the first 32 are used. */
export class KeyRing {
  /** Says that the set has more keys than are used; null when all are. */
  readonly surplus: string | null;
  private readonly local: ReturnType<typeof createLocalJWKSet>;
  /** A set without names, such as keys from PEM, cannot tell which of them a token's `kid` means. */
  private readonly isNamed: boolean;

  constructor(keys: readonly JWK[]) {
    const used = keys.slice(0, MAX_KEYS);
    this.surplus = used.length < keys.length ? `only the first ${MAX_KEYS} of ${keys.length} keys are used` : null;
    this.local = createLocalJWKSet({ keys: used });
    this.isNamed = used.some(({ kid }) => kid !== undefined);
  }

  get size(): number {
    return this.local.jwks().keys.length;
  }

  /** @returns an empty list when no key suits. A key that suits but cannot be imported is none. */
  async find(header: JWSHeaderParameters): Promise<readonly CryptoKey[]> {
    try {
      return [await this.local(this.isNamed ? header : { ...header, kid: undefined })];
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) return [];
      const keys: CryptoKey[] = [];
      for await (const key of error) if (keys.push(key) === MAX_CANDIDATES) break;
      return keys;
    }
  }
}

/** The keys of JWT_PUBLIC_KEY_FILE, which are read once, at the start. */
export class FileKeys extends IssuerKeys {
  override readonly trouble = null;
  override readonly generation = 0;
  private readonly ring: KeyRing;

  constructor(keys: readonly JWK[]) {
    super();
    this.ring = new KeyRing(keys);
  }

  override start(): void {
    if (this.ring.surplus !== null) new Logger(FileKeys.name).warn(`JWT_PUBLIC_KEY_FILE: ${this.ring.surplus}`);
  }

  override stop(): void {
    // There is nothing to stop.
  }

  override find(header: JWSHeaderParameters): Promise<readonly CryptoKey[]> {
    return this.ring.find(header);
  }

  override renew(): Promise<void> {
    return Promise.resolve();
  }
}
