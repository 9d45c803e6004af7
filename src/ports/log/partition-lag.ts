import { type LogOffsets } from './claim-log.js';

/** One partition of the log, and how far the consumer has come. */
export interface PartitionLag {
  readonly partition: number;
  /** The oldest message that is still there. */
  readonly start: number;
  /** What the next message will get. */
  readonly end: number;
  /** What the consumer has settled; null where it never did. */
  readonly committed: number | null;
  /** Messages that the consumer has not settled yet. */
  readonly lag: number;
}

/** @param end read last: what is appended during the reading then counts as lag. */
export function lagsOf(committed: LogOffsets, start: LogOffsets, end: LogOffsets): PartitionLag[] {
  return [...end].map(([partition, last]) => {
    const first = start.get(partition) ?? 0;
    const settled = committed.get(partition) ?? null;
    // The group may never have committed, or its next records may be deleted: it begins at the log's start.
    const next = Math.max(settled ?? first, first);
    return { partition, start: first, end: last, committed: settled, lag: Math.max(0, last - next) };
  });
}
