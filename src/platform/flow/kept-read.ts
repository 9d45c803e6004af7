import { type Clock } from './clock.js';

/** For how long a value counts, ms, each time from the beginning of its read. */
export interface KeptReadTimes {
  /** The value is used without another read. */
  readonly cachedMs: number;
  /** From this age on, a use reads again in the background. So no caller waits for a value that is in steady use. */
  readonly refreshMs: number;
  /** The value is used for this long while its source does not answer, and reads follow one another within `cachedMs`. */
  readonly keptMs: number;
  /** After a read that failed, none begins in the background for this long. */
  readonly pauseMs: number;
}

/**
 * A value that many callers ask for, which stays known for a while when its source is away. One read runs at a time. No
 * timer reads it: a value that nobody asks for costs nothing.
 */
export class KeptRead<T> {
  private known: { readonly value: T; readonly askedAt: number } | null = null;
  /** When a later read failed: monotonic, ms. */
  private failedAt: number | null = null;
  private asking: Promise<T> | null = null;

  constructor(
    private readonly read: () => Promise<T>,
    private readonly times: KeptReadTimes,
    private readonly clock: Clock,
  ) {}

  /** Rejects when the read fails and there is no value to keep. */
  async get(): Promise<T> {
    const kept = this.fromMemory();
    if (kept !== undefined) return kept.value;
    try {
      return await (this.asking ?? this.ask());
    } catch (error) {
      const left = this.fromMemory();
      if (left === undefined) throw error;
      return left.value;
    }
  }

  /** This process has changed the value, and knows what it is now. */
  set(value: T): void {
    this.known = { value, askedAt: this.clock.monotonic() };
    // A read that is under way may show what was before.
    this.asking = null;
  }

  private fromMemory(): { readonly value: T } | undefined {
    if (this.known === null) return undefined;
    const { cachedMs, refreshMs, keptMs, pauseMs } = this.times;
    const now = this.clock.monotonic();
    const age = now - this.known.askedAt;
    const isPaused = this.failedAt !== null && now - this.failedAt < pauseMs;
    // A failure is noted.
    if (age >= refreshMs && !isPaused && this.asking === null) this.ask().catch(() => undefined);
    if (age < cachedMs) return this.known;
    return this.failedAt !== null && age < keptMs ? this.known : undefined;
  }

  private ask(): Promise<T> {
    // From before the read: a change during it must not be overlooked for longer.
    const askedAt = this.clock.monotonic();
    // An old failure says nothing about the source now. Only this read can say whether it is away.
    // mutant: old-failure-kept
    if (this.failedAt !== null && askedAt - this.failedAt >= this.times.cachedMs) this.failedAt = null;
    const asking: Promise<T> = this.read().then(
      (value) => {
        if (this.asking === asking) {
          this.known = { value, askedAt };
          this.failedAt = null;
          this.asking = null;
        }
        return value;
      },
      (error: unknown) => {
        if (this.asking === asking) {
          this.failedAt = this.clock.monotonic();
          this.asking = null;
        }
        throw error;
      },
    );
    this.asking = asking;
    return asking;
  }
}
