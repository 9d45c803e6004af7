/** A call that a user makes later. */
export interface LaterCall {
  /** By `clock.ts`, ms. */
  readonly due: number;
  readonly user: number;
}

/** Calls in the order in which they are due: a binary heap. */
export class DueQueue {
  private readonly heap: LaterCall[] = [];

  get isEmpty(): boolean {
    return this.heap.length === 0;
  }

  get nextDue(): number {
    return this.heap[0]?.due ?? Infinity;
  }

  add(call: LaterCall): void {
    let at = this.heap.push(call) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.heap[parent]!.due <= call.due) break;
      this.heap[at] = this.heap[parent]!;
      at = parent;
    }
    this.heap[at] = call;
  }

  /** Takes the first call if it is due by then. */
  take(by: number): LaterCall | undefined {
    const first = this.heap[0];
    if (first === undefined || first.due > by) return undefined;
    const last = this.heap.pop()!;
    if (this.heap.length > 0) this.sink(last);
    return first;
  }

  private sink(call: LaterCall): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.heap.length) break;
      if (child + 1 < this.heap.length && this.heap[child + 1]!.due < this.heap[child]!.due) child += 1;
      if (this.heap[child]!.due >= call.due) break;
      this.heap[at] = this.heap[child]!;
      at = child;
    }
    this.heap[at] = call;
  }
}
