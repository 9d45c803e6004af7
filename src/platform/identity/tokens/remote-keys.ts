import { Logger } from '@nestjs/common';
import {
  createRemoteJWKSet,
  customFetch,
  type CryptoKey,
  type FetchImplementation,
  type JWSHeaderParameters,
} from 'jose';
import { type Clock } from '../../flow/clock.js';
import { OutageLog } from '../../flow/outage-log.js';
import { type Timer, type Timers } from '../../flow/timers.js';
import { IssuerKeys, KeyRing, KeysUnavailableError } from './issuer-keys.js';
import { keysIn, usableKeys } from './public-keys.js';

/** The provider has this long for a whole answer, ms. */
const TIMEOUT_MS = 2_000;
/** The keys are fetched again this often, ms. So a key that was withdrawn works for this long and a minute more. */
const REFRESH_MS = 300_000;
/** Tokens that no known key fits cause one fetch in this time, ms, also while fetches fail. So do wrong signatures. */
const COOLDOWN_MS = 30_000;
/** After a fetch that failed, ms; it doubles up to the cool-down. */
const FIRST_RETRY_MS = 1_000;
/** Key sets have a few KB. */
const MAX_BYTES = 256 * 1024;

/**
 * The keys of JWT_JWKS_URL. They are fetched in the background, at the start and every five minutes. Once known they are
 * used until another set has arrived, however long the provider is away.
 *
 * `jose` makes the call. When it is made is decided here: `jose` would fetch in the path of a request as soon as its
 * keys are ten minutes old, refuse the request when that fails, and cool down only after a fetch that succeeded.
 */
export class RemoteKeys extends IssuerKeys {
  private readonly remote: ReturnType<typeof createRemoteJWKSet>;
  private readonly outage: OutageLog;
  private readonly name: string;
  private ring: KeyRing | null = null;
  /** The fetch that is under way. */
  private fetching: Promise<void> | null = null;
  private sets = 0;
  /**
   * When the last fetch for a token began: monotonic, ms. Wrong signatures are counted apart: somebody who shows one
   * every few seconds must not keep the tokens of a new key waiting for it.
   */
  private readonly coolingSince = { fit: -Infinity, signature: -Infinity };
  /** Fetches that failed one after the other. */
  private failures = 0;
  private lastFailure = 'they were not fetched yet';
  private timer: Timer | undefined;
  private stopped = false;

  /** @param algorithms the allowed ones. Keys for others are left out. */
  constructor(
    url: string,
    private readonly algorithms: readonly string[],
    private readonly clock: Clock,
    private readonly timers: Timers,
  ) {
    super();
    const address = new URL(url);
    this.name = `${address.origin}${address.pathname}`;
    this.outage = new OutageLog(new Logger(RemoteKeys.name), clock);
    this.remote = createRemoteJWKSet(address, {
      timeoutDuration: TIMEOUT_MS,
      cacheMaxAge: Infinity,
      cooldownDuration: Infinity,
      [customFetch]: fetchShort,
    });
  }

  override get trouble(): string | null {
    if (this.ring !== null && this.failures === 0) return null;
    return `the keys of ${this.name} cannot be fetched: ${this.lastFailure}`;
  }

  /** How many keys are known. */
  get size(): number {
    return this.ring?.size ?? 0;
  }

  override get generation(): number {
    return this.sets;
  }

  override start(): void {
    void this.fetch();
  }

  override stop(): void {
    this.stopped = true;
    this.timers.cancel(this.timer);
  }

  override async find(header: JWSHeaderParameters): Promise<readonly CryptoKey[]> {
    // At the start the first fetch is under way. It takes two seconds at most.
    if (this.ring === null && this.fetching !== null) await this.fetching;
    if (this.ring === null) throw new KeysUnavailableError();
    const found = await this.ring.find(header);
    if (found.length > 0) return found;
    await this.fetchFor('fit');
    const foundNow = await this.ring.find(header);
    // mutant: unknown-kid-is-refused-while-the-provider-is-away
    if (foundNow.length === 0 && this.failures > 0) throw new KeysUnavailableError();
    return foundNow;
  }

  override renew(): Promise<void> {
    return this.fetchFor('signature');
  }

  /** Callers decide how often they show such a token, so the cool-down counts every fetch for one, the failed ones too. */
  private async fetchFor(lack: 'fit' | 'signature'): Promise<void> {
    const now = this.clock.monotonic();
    // mutant: each-unknown-kid-asks-the-provider
    if (now - this.coolingSince[lack] >= COOLDOWN_MS) {
      this.coolingSince[lack] = now;
      await this.fetch();
    } else if (this.fetching !== null) {
      await this.fetching;
    }
  }

  /** Starts a fetch, or joins the one under way. Never rejects. */
  private fetch(): Promise<void> {
    this.fetching ??= this.fetchOnce().finally(() => (this.fetching = null));
    return this.fetching;
  }

  private async fetchOnce(): Promise<void> {
    this.timers.cancel(this.timer);
    try {
      await this.remote.reload();
      const keys = usableKeys(keysIn(this.remote.jwks()) ?? [], this.algorithms);
      // A set without keys would refuse everybody. The keys from before stay in force.
      if (keys.length === 0) throw new Error(`no key for ${this.algorithms.join(', ')} stands there`);
      this.ring = new KeyRing(keys);
      if (this.ring.surplus !== null) this.outage.failed(`${this.name}: ${this.ring.surplus}`, 'surplus');
      this.sets += 1;
      this.failures = 0;
      this.outage.recovered(`the keys of ${this.name} are fetched again`);
    } catch (error) {
      this.failures += 1;
      this.lastFailure = whyOf(error);
      this.outage.failed(
        `the keys of ${this.name} cannot be fetched: ${this.lastFailure}; ` +
          (this.ring === null ? 'no token can be verified' : 'tokens of new keys cannot be verified'),
      );
    }
    if (this.stopped) return;
    const retryMs = Math.min(FIRST_RETRY_MS * 2 ** (this.failures - 1), COOLDOWN_MS);
    this.timer = this.timers.after(this.failures === 0 ? REFRESH_MS : retryMs, () => void this.fetch());
  }
}

/** Reads {@link MAX_BYTES} at most, so that a provider that never ends its answer costs no memory. */
const fetchShort: FetchImplementation = async (url, options) => {
  const response = await fetch(url, options);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`the answer is longer than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  // A status without a body, such as 304, cannot be given to the constructor with one.
  return new Response(bytes === 0 ? null : Buffer.concat(chunks), { status: response.status });
};

/** For the log: the code of the connection's error where there is one. */
function whyOf(error: unknown): string {
  const { cause, message } = error as { readonly cause?: { readonly code?: unknown }; readonly message: string };
  return typeof cause?.code === 'string' ? cause.code : message;
}
