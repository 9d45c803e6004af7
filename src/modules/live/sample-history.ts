/** The last samples of a campaign, as frames that are ready to be sent. */
export class SampleHistory {
  private readonly kept: { readonly at: number; readonly frame: Buffer }[] = [];

  /** @param most how many samples are kept. */
  constructor(private readonly most: number) {}

  add(at: number, frame: Buffer): void {
    this.kept.push({ at, frame });
    if (this.kept.length > this.most) this.kept.shift();
  }

  /** The frames of the samples behind the instant `after`, in order; of all samples when it is null. */
  since(after: number | null): Buffer[] {
    return this.kept.filter(({ at }) => after === null || at > after).map(({ frame }) => frame);
  }
}

/**
 * The instant in a `Last-Event-ID`; null where a caller sends none, or something that no process has sent. An instant is
 * the same in every process, so that a caller may connect again to another one.
 *
 * @param now ms: nothing later was sent.
 */
export function instantOfEventId(id: string | undefined, now: number): number | null {
  if (id === undefined || !/^\d{1,15}$/.test(id)) return null;
  const at = Number(id);
  return at <= now ? at : null;
}
