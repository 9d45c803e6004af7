/**
 * The upper bounds of the buckets in which processes count durations, ms. Steps of a third of an octave where callers
 * wait, wider ones above. During an upgrade, processes of two versions add up their buckets: a changed list needs a changed
 * name of the field under which a process writes its counts.
 */
export const TIME_BOUNDS_MS = [
  0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12.5, 16, 20, 25, 32, 40, 50, 64, 80, 100, 125, 160, 200, 250, 320, 400, 500,
  640, 800, 1_000, 1_250, 1_600, 2_000, 2_500, 3_200, 4_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000, 60_000,
  120_000, 300_000,
] as const;

/** One count for each bound, and a last one for what took longer than all of them. */
const BUCKETS = TIME_BOUNDS_MS.length + 1;

/** Durations, counted in buckets. Buckets of several processes can be added up, quantiles cannot. */
export class TimeBuckets {
  private readonly counts: number[] = new Array<number>(BUCKETS).fill(0);

  observe(ms: number): void {
    let [low, high] = [0, BUCKETS - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (ms <= (TIME_BOUNDS_MS[middle] as number)) high = middle;
      else low = middle + 1;
    }
    this.counts[low] = (this.counts[low] as number) + 1;
  }

  /** A copy. */
  read(): number[] {
    return [...this.counts];
  }
}

/**
 * The duration, ms, that this part of the durations did not exceed. Within a bucket they count as evenly spread, so the
 * answer is off by less than the width of one bucket. null without any; the last bound for what took longer than it.
 *
 * @param counts as {@link TimeBuckets.read} gives them, or the sum of several.
 * @param part 0 to 1: 0.99 for p99.
 */
export function quantileMs(counts: readonly number[], part: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const rank = part * total;
  let below = 0;
  for (const [index, upper] of TIME_BOUNDS_MS.entries()) {
    const count = counts[index] ?? 0;
    if (count > 0 && below + count >= rank) {
      const lower = index === 0 ? 0 : (TIME_BOUNDS_MS[index - 1] as number);
      return lower + ((upper - lower) * Math.max(0, rank - below)) / count;
    }
    below += count;
  }
  return TIME_BOUNDS_MS[TIME_BOUNDS_MS.length - 1] as number;
}
