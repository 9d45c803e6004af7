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
   * For a token that none of the keys fits or has signed: fetches them again, unless that was done for another token
   * within the last 30 s. Never rejects.
   */
  abstract renew(): Promise<void>;
}

/** A token without a `kid` is tried with this many keys at most. */
const MAX_CANDIDATES = 4;

/** One set of keys that does not change. */
export class KeyRing {
  private readonly local: ReturnType<typeof createLocalJWKSet>;

  constructor(keys: readonly JWK[]) {
    this.local = createLocalJWKSet({ keys: [...keys] });
  }

  get size(): number {
    return this.local.jwks().keys.length;
  }

  /** @returns an empty list when no key suits. A key that suits but cannot be imported is none. */
  async find(header: JWSHeaderParameters): Promise<readonly CryptoKey[]> {
    try {
      return [await this.local(header)];
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
  /** Keys from PEM have no names. */
  private readonly named: boolean;

  constructor(keys: readonly JWK[]) {
    super();
    this.ring = new KeyRing(keys);
    this.named = keys.some(({ kid }) => kid !== undefined);
  }

  override start(): void {
    // The start has read them.
  }

  override stop(): void {
    // There is nothing to stop.
  }

  override find(header: JWSHeaderParameters): Promise<readonly CryptoKey[]> {
    return this.ring.find(this.named ? header : { ...header, kid: undefined });
  }

  override renew(): Promise<void> {
    return Promise.resolve();
  }
}
