import { Problem } from '../http/problem/problem.js';
import { putNewest } from '../values/put-newest.js';

/** Wrong credentials that one address may show in a window. */
const MAX_FAILURES = 10;
/** The window, and how long an address is refused after too many of them, ms. */
const WINDOW_MS = 60_000;
/** How many addresses are remembered. The one that failed longest ago is forgotten first. */
const MAX_ADDRESSES = 10_000;

/** What is remembered of one address. */
interface Guesses {
  failures: number;
  /** When the window, or the time in which the address is refused, ends: monotonic, ms. */
  until: number;
}

/** The refusal of an address that has guessed too often. A class of its own, because it is counted and logged. */
export class SlowedGuess extends Problem {
  /** @param wait seconds. */
  constructor(wait: number) {
    super('too-many-requests', { headers: { 'retry-after': String(wait) } });
  }
}

/**
 * Slows callers that guess credentials: after 10 wrong ones within a minute, an address is refused for a minute.
 *
 * A credential that was right before is not refused with it. Operators often share an address with others, behind one
 * proxy or in one office. A guesser learns nothing from that, because only right credentials are exempt. `AdminAccess`
 * exempts what cannot be guessed besides.
 */
export class GuessLimit {
  private readonly addresses = new Map<string, Guesses>();

  /** @param now monotonic, ms. */
  constructor(private readonly now: () => number) {}

  /** Seconds for which the address is refused; 0 when it may try. */
  secondsLeft(address: string): number {
    const guesses = this.addresses.get(address);
    if (guesses === undefined || guesses.failures < MAX_FAILURES) return 0;
    return Math.max(0, Math.ceil((guesses.until - this.now()) / 1_000));
  }

  /** Counts a wrong credential. */
  noteFailure(address: string): void {
    const now = this.now();
    const known = this.addresses.get(address);
    const guesses = known === undefined || known.until <= now ? { failures: 0, until: now + WINDOW_MS } : known;
    guesses.failures += 1;
    // From the failure that was one too many on, a whole minute.
    if (guesses.failures === MAX_FAILURES) guesses.until = now + WINDOW_MS;
    putNewest(this.addresses, address, guesses, MAX_ADDRESSES);
  }
}
