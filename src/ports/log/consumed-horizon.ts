import { type Clock } from '../../platform/flow/clock.js';
import { type ClaimLog, type LogOffsets } from './claim-log.js';

/** Samples that wait for the consumer. */
const MAX_SAMPLES = 64;
/**
 * By how much more than two slow answers explain the clock may go at another speed than ours between two samples, ms. A
 * step that stays unnoticed is smaller than this and the two answers together, which is less than D.
 */
const TOLERANCE_MS = 300;

/** Where the log ended at an instant. */
interface Sample {
  /** Which clock the instant belongs to; see {@link ConsumedHorizon.advance}. */
  readonly clock: number;
  /** ms. */
  readonly instant: number;
  readonly end: LogOffsets;
}

/** What the clock shows minus what our monotonic clock shows, ms. It lies between these, because the answer took a while. */
interface Offset {
  readonly clock: number;
  readonly least: number;
  readonly most: number;
}

/**
 * Knows up to which instant everything that reached the log has been consumed. The sweeper asks by the gate's clock,
 * the retry by the database's.
 *
 * A clock alone cannot tell. If the consumer is an hour behind, a message of an hour ago is still on its way. Without the
 * log's offsets, sweeper and retry would publish the whole backlog again.
 */
export class ConsumedHorizon {
  /** Oldest first. The consumer may have passed the first one; it stays until the consumer has passed a later one. */
  private samples: Sample[] = [];
  private offset: Offset | null = null;

  /**
   * @param now ms, by the clock whose instants are asked for.
   * @param own finds out that `now` has been set: then the instants of before mean nothing. Left out: that does not matter.
   */
  constructor(
    private readonly log: ClaimLog,
    private readonly now: () => Promise<number>,
    private readonly own?: Clock,
  ) {}

  /**
   * Takes a sample, and returns the latest instant (ms) of which this is known: every message that was on the log before
   * it was consumed, or is no longer on the log. null when no such instant is known yet: a new process has to wait until
   * the consumer has passed its first sample.
   *
   * Rejects when clock or log do not answer.
   *
   * @param clock names the clock behind `now`. When it changes, the instants of before mean nothing, and are forgotten.
   */
  async advance(clock = 0): Promise<number | null> {
    this.samples = this.samples.filter((sample) => sample.clock === clock);
    // When the list is full, keep the oldest samples: otherwise a consumer that is far behind would never pass one.
    // Replace the last one: a log that has lost its end may never reach the offsets of the others again.
    if (this.samples.length >= MAX_SAMPLES) this.samples.pop();
    await this.sample(clock);

    const committed = await this.log.committedOffsets();
    const start = await this.log.startOffsets();
    const passed = this.samples.findLastIndex(({ end }) => hasPassed(end, committed, start));
    if (passed > 0) this.samples.splice(0, passed);
    // mutant: unread-horizon
    return passed < 0 ? null : (this.samples[0]?.instant ?? null);
  }

  /**
   * Reads the instant first, the offsets second. What was on the log before the instant then lies below the offsets. In
   * the other order a message could land between the two readings: behind the offsets, and yet old enough by the instant.
   *
   * After the clock was set, instants of before it and of after it cannot be compared. A message from just before the step
   * forward would look old enough by this sample, so this one does not count either. The next one does.
   */
  private async sample(clock: number): Promise<void> {
    const asked = this.own?.monotonic() ?? 0;
    const instant = await this.now();
    const { offset: known } = this;
    this.offset = { clock, least: instant - (this.own?.monotonic() ?? 0), most: instant - asked };
    // mutant: steps-unnoticed
    if (this.own !== undefined && known?.clock === clock && areApart(known, this.offset)) {
      this.samples = [];
      return;
    }
    const end = await this.log.endOffsets();
    // A log without partitions says nothing about what is on it.
    if (end.size > 0) this.samples.push({ clock, instant, end });
  }
}

function areApart(one: Offset, other: Offset): boolean {
  return one.least > other.most + TOLERANCE_MS || other.least > one.most + TOLERANCE_MS;
}

/**
 * Is everything below these ends consumed, or deleted from the log? The group has no committed offset on a partition
 * that it never read. Such a partition counts as read up to its start, so it is passed when it is empty. Records below
 * the start were deleted, perhaps unread. The consumer cannot read them any more, so they have to be found missing.
 */
function hasPassed(end: LogOffsets, committed: LogOffsets, start: LogOffsets): boolean {
  return [...end].every(([partition, last]) => {
    const first = start.get(partition) ?? 0;
    return Math.max(committed.get(partition) ?? first, first) >= last;
  });
}
