import { type Clock } from './clock.js';

/**
 * A value that many callers ask for, read once for all of them. It is read when a caller asks, never by a timer. One
 * read runs at a time, and callers who ask during it wait for its value.
 */
export class SharedRead<T> {
  private last: { readonly value: T; readonly at: number } | null = null;
  private reading: Promise<T> | null = null;

  /**
   * @param read reads the value.
   * @param maxAgeMs how old a value may be, counted from the beginning of its read.
   */
  constructor(
    private readonly read: () => Promise<T>,
    private readonly maxAgeMs: number,
    private readonly clock: Clock,
  ) {}

  /** Rejects when the read fails. The next caller starts another read. */
  get(): Promise<T> {
    const at = this.clock.monotonic();
    if (this.last !== null && at - this.last.at <= this.maxAgeMs) return Promise.resolve(this.last.value);
    if (this.reading !== null) return this.reading;
    const reading = this.read().then(
      (value) => {
        // False after `forget`: a value read before a change must not be shown after it.
        if (this.reading === reading) {
          this.last = { value, at };
          this.reading = null;
        }
        return value;
      },
      (error: unknown) => {
        if (this.reading === reading) this.reading = null;
        throw error;
      },
    );
    this.reading = reading;
    return reading;
  }

  /** Callers who ask from now on get a value that is read from now on. */
  forget(): void {
    this.last = null;
    this.reading = null;
  }
}
