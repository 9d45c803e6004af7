import { type Clock, type Instant } from '../../flow/clock.js';
import { putNewest } from '../../values/put-newest.js';
import { type TokenOutcome } from './token-verifier.js';

interface Remembered {
  readonly outcome: TokenOutcome;
  readonly at: Instant;
  /** When the token stops being accepted: wall clock, ms. */
  readonly until: number;
}

export interface TokenMemory {
  /** How many tokens are remembered. The one that was used longest ago is forgotten first. */
  readonly most: number;
  /** How long one is remembered, ms, and never beyond its end. */
  readonly forMs: number;
}

/** Remembers what verified tokens said, by their SHA-256: nobody can read a token out of this memory. */
export class VerifiedTokens {
  private readonly tokens = new Map<string, Remembered>();

  constructor(
    private readonly clock: Clock,
    private readonly memory: TokenMemory,
  ) {}

  find(digest: string): TokenOutcome | undefined {
    const found = this.tokens.get(digest);
    if (found === undefined) return undefined;
    this.tokens.delete(digest);
    // mutant: a-token-is-remembered-beyond-its-end
    if (this.clock.elapsedMs(found.at) >= this.memory.forMs || this.clock.wall() >= found.until) return undefined;
    this.tokens.set(digest, found);
    return found.outcome;
  }

  put(digest: string, outcome: TokenOutcome, until: number): void {
    putNewest(this.tokens, digest, { outcome, at: this.clock.now(), until }, this.memory.most);
  }

  forget(digest: string): void {
    this.tokens.delete(digest);
  }
}
