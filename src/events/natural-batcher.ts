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
}

/**
 * A batch waits for so many turns of the event loop while each of them brings new items. What arrives together is spread
 * over a few turns by the sockets it comes from; leaving after the first would split it into batches that pay for a
 * write each.
 */
const MAX_GATHERING_TURNS = 8;

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Groups single items into batches without a timer: a batch leaves as soon as fewer than `maxInFlight` are under way,
 * and takes everything that has queued up meanwhile. An idle system answers at once; a busy one fills its batches by
 * itself, the more the busier it is.
 */
export class NaturalBatcher<T, R = void> {
  private readonly waiting: Waiting<T, R>[] = [];
  private readonly inFlight = new Set<Promise<void>>();
  private scheduled = false;
  /** Of the item that was added last. */
  private latest: Promise<unknown> = Promise.resolve();

  /**
   * @param write sends a whole batch, and returns what each item came to, in their order, where anybody wants to know.
   * When it rejects, every item of the batch is rejected with the same error.
   */
  constructor(
    private readonly write: (batch: readonly T[]) => Promise<readonly R[] | void>,
    private readonly limits: BatcherLimits,
  ) {}

  /** True while `add` would reject with `BatcherFullError`. */
  get full(): boolean {
    return this.waiting.length >= this.limits.maxWaiting;
  }

  /** Resolves when the batch with this item is written, with what the item came to. */
  add(item: T): Promise<R> {
    if (this.full) return Promise.reject(new BatcherFullError(`${this.limits.maxWaiting} items are waiting`));
    const written = new Promise<R>((resolve, reject) => {
      this.waiting.push({ item, resolve, reject });
      this.schedule();
    });
    this.latest = written;
    return written;
  }

  /**
   * Resolves when everything added so far is written or rejected. What is added meanwhile is not waited for: under load
   * there would always be something.
   */
  async drain(): Promise<void> {
    await this.latest.catch(() => undefined);
    // Batches leave in order, but with several under way an earlier one may end later.
    await Promise.all(this.inFlight);
  }

  private schedule(): void {
    if (this.scheduled || this.inFlight.size >= this.limits.maxInFlight) return;
    this.scheduled = true;
    this.gather(this.waiting.length, 1);
  }

  private gather(seen: number, turn: number): void {
    setImmediate(() => {
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
    if (this.waiting.length === 0 || this.inFlight.size >= this.limits.maxInFlight) return;
    const batch = this.waiting.splice(0, this.limits.maxBatch);
    const sending = this.writeBatch(batch).finally(() => {
      this.inFlight.delete(sending);
      this.schedule();
    });
    this.inFlight.add(sending);
    if (this.waiting.length > 0) this.schedule();
  }

  private async writeBatch(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.write(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results?.[index] as R);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
