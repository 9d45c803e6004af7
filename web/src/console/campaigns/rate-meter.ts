interface Reading {
  readonly remaining: number | null;
  readonly total: number;
}

interface Seen {
  readonly taken: number;
  /** ms */
  readonly at: number;
  readonly perSecond: number | null;
}

/** Makes rates of the stock of campaigns, from one reading of the list to the next. */
export class RateMeter {
  private readonly seen = new Map<string, Seen>();

  observe({ id, total, remaining }: Reading & { readonly id: string }, at: number): void {
    if (remaining === null) {
      this.seen.delete(id);
      return;
    }
    const taken = total - remaining;
    const before = this.seen.get(id);
    if (before !== undefined && at <= before.at) return;
    const perSecond = before === undefined ? null : Math.max(0, ((taken - before.taken) * 1_000) / (at - before.at));
    this.seen.set(id, { taken, at, perSecond });
  }

  /** null until a campaign was read twice. */
  of(id: string): number | null {
    return this.seen.get(id)?.perSecond ?? null;
  }
}
