import { type Clock, type Instant } from '../../flow/clock.js';
import { putNewest } from '../../values/put-newest.js';
import { type TokenOutcome } from './token-verifier.js';

/** How long a token is not verified again, ms. */
const REMEMBERED_MS = 60_000;
/** How many tokens are remembered: about 30 MB. The one that was used longest ago is forgotten first. */
const MAX_REMEMBERED = 100_000;

interface Remembered {
  readonly outcome: TokenOutcome;
  readonly at: Instant;
  /** When the token stops being accepted: wall clock, ms. */
  readonly until: number;
}

/** Remembers what verified tokens said, by their SHA-256: nobody can read a token out of this memory. */
export class VerifiedTokens {
  private readonly tokens = new Map<string, Remembered>();

  constructor(
    private readonly clock: Clock,
    private readonly most = MAX_REMEMBERED,
  ) {}

  find(digest: string): TokenOutcome | undefined {
    const found = this.tokens.get(digest);
    if (found === undefined) return undefined;
    this.tokens.delete(digest);
    // mutant: a-token-is-remembered-beyond-its-end
    if (this.clock.elapsedMs(found.at) >= REMEMBERED_MS || this.clock.wall() >= found.until) return undefined;
    this.tokens.set(digest, found);
    return found.outcome;
  }

  put(digest: string, outcome: TokenOutcome, until: number): void {
    putNewest(this.tokens, digest, { outcome, at: this.clock.now(), until }, this.most);
  }
}
