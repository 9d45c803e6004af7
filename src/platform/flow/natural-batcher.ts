import { type Clock } from './clock.js';
import { type Timer, type Timers } from './timers.js';

/** More items are waiting than the batcher may hold. */
export class BatcherFullError extends Error {
  override readonly name = 'BatcherFullError';
}

/** Limits of a batcher; counts are items. */
export interface BatcherLimits {
  readonly maxBatch: number;
  readonly maxWaiting: number;
  /** Batches that may be under way at once. */
  readonly maxInFlight: number;
  /** So many leave at once while a batch may leave, and wait for no more to arrive with them. Absent: nothing is enough. */
  readonly enough?: number;
}

/**
 * How long an item may take. One timer looks after all of them: one for each item would cost a claim more than its
 * place in the batch does.
 */
export interface Patience {
  /** ms from `add`; it may be later by {@link LATE_BY_MS} until it is noticed. */
  readonly ms: number;
  /** What an item is rejected with that still waits for its turn: nothing of it was sent, nor will be. */
  readonly waited: () => Error;
  /** What an item is rejected with whose batch is under way. Absent where a batch has a limit of its own. */
  readonly unanswered?: () => Error;
}

/** How late an item may be given up, ms. */
export const LATE_BY_MS = 50;

/**
 * A batch waits for so many turns of the event loop while each of them brings new items. What arrives together is spread
 * over a few turns by the sockets it comes from; leaving after the first would split it into batches that pay for a
 * write each.
 */
const MAX_GATHERING_TURNS = 8;

interface Waiting<T, R> {
  readonly item: T;
  /** Monotonic, ms. */
  readonly since: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** A batch that is under way. */
interface Sending<T, R> {
  readonly batch: readonly Waiting<T, R>[];
  /** Never rejects. */
  readonly written: Promise<void>;
}

/**
 * Groups single items into batches without a timer: a batch leaves as soon as fewer than `maxInFlight` are under way,
 * and takes everything that has queued up meanwhile. An idle system answers at once; a busy one fills its batches by
 * itself, the more the busier it is.
 */
export class NaturalBatcher<T, R = void> {
  private readonly waiting: Waiting<T, R>[] = [];
  /**
   * An array, not a Map: a table that a Map has outgrown refers to the one that took its place, so once the first has
   * become old, each of them, with the batches that it held at that moment, survives until the next mark-compact.
   */
  private readonly inFlight: Sending<T, R>[] = [];
  private scheduled = false;
  /** Of the item that was added last. */
  private latest: Promise<unknown> = Promise.resolve();
  /** Set while there is anything to lose patience with. */
  private watching: Timer | null = null;

  /**
   * @param write sends a whole batch, and returns what each item came to, in their order, where anybody wants to know:
   * an Error rejects its item. When it rejects, every item of the batch is rejected with the same error.
   * @param patience absent: an item waits for as long as it takes.
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

  /** Resolves when the batch with this item is written, with what the item came to. */
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
   * Resolves when everything added so far is written or rejected. What is added meanwhile is not waited for: under load
   * there would always be something.
   */
  async drain(): Promise<void> {
    await this.latest.catch(() => undefined);
    // Batches leave in order, but with several under way an earlier one may end later.
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
        // What fails at once would otherwise fail for all who wait, in one turn of the event loop.
        if (succeeded) this.schedule();
        else this.scheduleLater();
      }),
    };
    this.inFlight.push(sending);
    if (this.waiting.length > 0) this.schedule();
  }

  /** @returns false when the write was rejected; never rejects itself. */
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

  /** The batch keeps its place until its write ends; what it comes to then is of no interest to those given up here. */
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
