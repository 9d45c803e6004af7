import { type PartitionLag } from '../../ports/log/partition-lag.js';

/**
 * Since when a partition has claims that wait while nothing of it is settled. A committed offset only rises: where it is the
 * same as at an earlier look at which claims waited already, nothing was settled in between, however long ago that look was.
 */
export class Standstill {
  private readonly seen = new Map<number, { readonly committed: number | null; readonly since: number }>();

  /**
   * @param now ms since the Unix epoch.
   * @returns since when the partition that stands longest is known to stand; null while no claim waits.
   */
  look(partitions: readonly PartitionLag[], now: number): number | null {
    let longest: number | null = null;
    for (const { partition, committed, lag } of partitions) {
      if (lag === 0) {
        this.seen.delete(partition);
        continue;
      }
      const before = this.seen.get(partition);
      const since = before?.committed === committed ? before.since : now;
      this.seen.set(partition, { committed, since });
      longest = Math.min(longest ?? since, since);
    }
    return longest;
  }
}
