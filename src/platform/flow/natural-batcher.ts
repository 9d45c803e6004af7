import { type Clock } from './clock.js';
import { type Timer, type Timers } from './timers.js';

/** The batcher is full: `maxWaiting` items wait. */
export class BatcherFullError extends Error {
  override readonly name = 'BatcherFullError';
}

/** Limits of a batcher; counts are items. */
export interface BatcherLimits {
  readonly maxBatch: number;
  readonly maxWaiting: number;
  /** Batches that may be written at the same time. */
  readonly maxInFlight: number;
  /**
   * Send immediately once this many items wait and another batch may be in flight. If unset, always wait for the end of
   * the event-loop turn.
   */
  readonly enough?: number;
}

/**
 * How long an item may take. One timer watches all items: a timer for each would cost a claim more than its place in
 * the batch does.
 */
export interface Patience {
  /** ms from `add`. The batcher may notice up to {@link LATE_BY_MS} later. */
  readonly ms: number;
  /** The error for an item that still waits. Nothing of it was sent, and nothing will be. */
  readonly waited: () => Error;
  /** The error for an item whose batch is being written. Leave it out where `write` has its own time limit. */
  readonly unanswered?: () => Error;
}

/** How late the batcher may give up an item, ms. */
export const LATE_BY_MS = 50;

/**
 * A batch waits for at most this many turns of the event loop, as long as each turn brings new items. Items that
 * callers send together arrive from several sockets, over a few turns. Sending after the first turn would split them
 * into small batches, each at the cost of a write.
 */
const MAX_GATHERING_TURNS = 8;

interface Waiting<T, R> {
  readonly item: T;
  /** Monotonic, ms. */
  readonly since: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** A batch that is being written. */
interface Sending<T, R> {
  readonly batch: readonly Waiting<T, R>[];
  /** Never rejects. */
  readonly written: Promise<void>;
}

/**
 * Groups single items into batches without a timer. A batch leaves as soon as fewer than `maxInFlight` batches are
 * being written, and takes all items that wait by then. So an idle system answers at once, and a busy system fills its
 * batches by itself.
 */
export class NaturalBatcher<T, R = void> {
  private readonly waiting: Waiting<T, R>[] = [];
  /**
   * An array, not a Map. When a Map grows, its old table keeps a reference to the new one. Once one table has reached
   * the old generation, all later tables, and the batches that they held, stay in memory until the next mark-compact.
   */
  private readonly inFlight: Sending<T, R>[] = [];
  private scheduled = false;
  /** The promise of the item that was added last. */
  private latest: Promise<unknown> = Promise.resolve();
  /** The next check of {@link Patience}; null while no item waits or is being written. */
  private watching: Timer | null = null;

  /**
   * @param write sends a whole batch. It returns one result for each item, in the same order, or nothing. An Error as a
   * result rejects that item. If `write` itself rejects, every item of the batch is rejected with that error.
   * @param patience if absent, an item waits without limit.
   */
  constructor(
    private readonly write: (batch: readonly T[]) => Promise<readonly (R | Error)[] | void>,
    private readonly limits: BatcherLimits,
    private readonly clock: Clock,
    private readonly timers: Timers,
    private readonly patience?: Patience,
  ) {}

  /** True while `add` would reject with `BatcherFullError`. */
  get full(): boolean {
    return this.waiting.length >= this.limits.maxWaiting;
  }

  /** Resolves with the item's result when its batch is written. */
  add(item: T): Promise<R> {
    if (this.full) return Promise.reject(new BatcherFullError(`${this.limits.maxWaiting} items are waiting`));
    const written = new Promise<R>((resolve, reject) => {
      this.waiting.push({ item, since: this.clock.monotonic(), resolve, reject });
    });
    this.latest = written;
    this.schedule();
    if (this.watching === null && this.patience !== undefined) this.watch(this.patience);
    return written;
  }

  /**
   * Resolves when all items added so far are written or rejected. It does not wait for items added later: under load
   * there would always be more.
   */
  async drain(): Promise<void> {
    await this.latest.catch(() => undefined);
    // Batches begin in order, but an earlier one may end later than the last one.
    await Promise.all(this.inFlight.map(({ written }) => written));
  }

  private schedule(): void {
    if (this.waiting.length >= (this.limits.enough ?? Infinity)) this.send();
    else this.scheduleLater();
  }

  private scheduleLater(): void {
    if (this.scheduled || this.inFlight.length >= this.limits.maxInFlight) return;
    this.scheduled = true;
    this.gather(this.waiting.length, 1);
  }

  private gather(seen: number, turn: number): void {
    this.timers.atEndOfTurn(() => {
      const arrived = this.waiting.length;
      if (arrived > seen && arrived < this.limits.maxBatch && turn < MAX_GATHERING_TURNS) {
        this.gather(arrived, turn + 1);
        return;
      }
      this.scheduled = false;
      this.send();
    });
  }

  private send(): void {
    if (this.inFlight.length >= this.limits.maxInFlight) return;
    if (this.patience !== undefined) this.giveUpWaiting(this.patience);
    if (this.waiting.length === 0) return;
    const batch = this.waiting.splice(0, this.limits.maxBatch);
    const sending = {
      batch,
      written: this.writeBatch(batch).then((succeeded) => {
        this.inFlight.splice(this.inFlight.indexOf(sending), 1);
        // After a failure, wait for the next turn. A write that fails at once would otherwise fail every waiting item
        // in this turn.
        if (succeeded) this.schedule();
        else this.scheduleLater();
      }),
    };
    this.inFlight.push(sending);
    if (this.waiting.length > 0) this.schedule();
  }

  /** @returns false when the write was rejected. Never rejects. */
  private async writeBatch(batch: readonly Waiting<T, R>[]): Promise<boolean> {
    try {
      const results = await this.write(batch.map(({ item }) => item));
      for (let at = 0; at < batch.length; at++) {
        const { resolve, reject } = batch[at] as Waiting<T, R>;
        const result = results?.[at];
        if (result instanceof Error) reject(result);
        else resolve(result as R);
      }
      return true;
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return false;
    }
  }

  private watch(patience: Patience): void {
    this.watching = this.timers.after(LATE_BY_MS, () => {
      this.giveUpWaiting(patience);
      this.giveUpUnanswered(patience);
      if (this.waiting.length > 0 || this.inFlight.length > 0) this.watch(patience);
      else this.watching = null;
    });
  }

  private giveUpWaiting({ ms, waited }: Patience): void {
    const before = this.clock.monotonic() - ms;
    if ((this.waiting[0]?.since ?? Infinity) >= before) return;
    const inTime = this.waiting.findIndex(({ since }) => since >= before);
    const late = this.waiting.splice(0, inTime < 0 ? this.waiting.length : inTime);
    for (const { reject } of late) reject(waited());
  }

  /** The batch still counts as being written until its write ends. Items given up here do not see that result. */
  private giveUpUnanswered({ ms, unanswered }: Patience): void {
    if (unanswered === undefined) return;
    const before = this.clock.monotonic() - ms;
    for (const { batch } of this.inFlight) {
      for (const { since, reject } of batch) {
        if (since >= before) break;
        reject(unanswered());
      }
    }
  }
}
