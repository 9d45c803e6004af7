import { type Clock } from './clock.js';

/**
 * What many ask for, worked out once for all of them. It is worked out when somebody asks, never by a timer; one working
 * is under way at a time, and whoever asks meanwhile waits for it.
 */
export class Picture<T> {
  private last: { readonly value: T; readonly at: number } | null = null;
  private taking: Promise<T> | null = null;

  /**
   * @param take works it out.
   * @param maxAgeMs how old, counted from the beginning of the working, an answer may be.
   */
  constructor(
    private readonly take: () => Promise<T>,
    private readonly maxAgeMs: number,
    private readonly clock: Clock,
  ) {}

  /** Rejects when the working has failed; the next one to ask starts another. */
  get(): Promise<T> {
    const at = this.clock.monotonic();
    if (this.last !== null && at - this.last.at <= this.maxAgeMs) return Promise.resolve(this.last.value);
    if (this.taking !== null) return this.taking;
    const taking = this.take().then(
      (value) => {
        // Not after `forget`: what was read before a change must not be shown after it.
        if (this.taking === taking) {
          this.last = { value, at };
          this.taking = null;
        }
        return value;
      },
      (error: unknown) => {
        if (this.taking === taking) this.taking = null;
        throw error;
      },
    );
    this.taking = taking;
    return taking;
  }

  /** Whoever asks from now on sees what is true from now on. */
  forget(): void {
    this.last = null;
    this.taking = null;
  }
}
