import { digestOf } from '../values/digest.js';
import { putNewest } from '../values/put-newest.js';
import { readKey } from './api-key.js';

/** How long a credential that was right is remembered after its last use, ms. */
const KNOWN_MS = 3_600_000;
/** How many API keys are remembered; the one that was used longest ago is forgotten first. */
const MAX_KEYS = 1_000;

/** When a credential was right for the last time. */
interface Known {
  /** SHA-256 of the credential, or of the secret of a key. */
  readonly digest: string;
  /** Monotonic, ms. */
  readonly at: number;
}

/**
 * Credentials that this process has found right. Each key has one place, however it is spelled, and ADMIN_TOKEN has its
 * own: otherwise one holder of a key could make the process forget all other credentials.
 */
export class RightCredentials {
  private readonly keys = new Map<string, Known>();
  /** At most two: ADMIN_TOKEN and ADMIN_TOKEN_NEXT. */
  private readonly adminTokens = new Map<string, Known>();

  /** @param now monotonic, ms. */
  constructor(private readonly now: () => number) {}

  /** @param credential that was judged, and is right. */
  note(credential: string): void {
    const at = this.now();
    const { key, digest } = describe(credential);
    if (key === null) this.adminTokens.set(digest, { digest, at });
    else putNewest(this.keys, key, { digest, at }, MAX_KEYS);
  }

  /** Was it right within the last hour? It may have been revoked since. */
  has(credential: string): boolean {
    const { key, digest } = describe(credential);
    const known = key === null ? this.adminTokens.get(digest) : this.keys.get(key);
    return known?.digest === digest && this.now() - known.at < KNOWN_MS;
  }
}

/** `key`: the id of the API key; null for every other credential. */
function describe(credential: string): { readonly key: string | null; readonly digest: string } {
  const shown = readKey(credential);
  return shown === null
    ? { key: null, digest: digestOf(credential) }
    : { key: shown.id, digest: digestOf(shown.secret) };
}
