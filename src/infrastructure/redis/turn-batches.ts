interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends what one turn of the event loop has brought in as one call for each key. Nothing waits for a timer or for an
 * earlier call: alone, an item leaves as soon as it would have left anyhow.
 */
export class TurnBatches<T, R> {
  private readonly batches = new Map<string, Waiting<T, R>[]>();

  /**
   * @param send returns one result for each item, in their order; when it rejects, every item of the batch is rejected
   * with the same error.
   * @param most items of one call.
   */
  constructor(
    private readonly send: (items: readonly T[]) => Promise<readonly R[]>,
    private readonly most: number,
  ) {}

  /** Resolves with the result of this item. */
  add(key: string, item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      let batch = this.batches.get(key);
      if (batch === undefined) {
        if (this.batches.size === 0) setImmediate(() => this.flush());
        this.batches.set(key, (batch = []));
      }
      batch.push({ item, resolve, reject });
      // What is too much for one call begins the next one, which is sent in the same turn.
      if (batch.length === this.most) {
        this.batches.set(key, []);
        void this.sendBatch(batch);
      }
    });
  }

  private flush(): void {
    const batches = [...this.batches.values()];
    this.batches.clear();
    for (const batch of batches) {
      if (batch.length > 0) void this.sendBatch(batch);
    }
  }

  private async sendBatch(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.send(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as R);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
