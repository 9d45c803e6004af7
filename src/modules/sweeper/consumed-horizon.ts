import { Injectable } from '@nestjs/common';
import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';
import { ClaimLog, type LogOffsets } from '../../ports/log/claim-log.js';

/** Samples that wait for the consumer. */
const MAX_SAMPLES = 64;

/** Where the log ended at an instant of the gate's clock. */
interface Sample {
  readonly epoch: number;
  /** ms, the gate's clock. */
  readonly instant: number;
  readonly end: LogOffsets;
}

/**
 * Knows up to which instant every claim that reached the log has been consumed.
 *
 * A clock alone cannot tell. If the consumer is an hour behind, a claim that is pending for an hour is still on its
 * way. Without the log's offsets the sweeper would publish the whole backlog a second time.
 */
@Injectable()
export class ConsumedHorizon {
  /** Oldest first. The consumer may have passed the first one; it stays until the consumer has passed a later one. */
  private samples: Sample[] = [];

  constructor(
    private readonly gate: IssuanceGate,
    private readonly log: ClaimLog,
  ) {}

  /**
   * Takes a sample, and returns the instant (ms, the gate's clock) before which every claim admitted under this epoch
   * has been consumed or never reached the log; null when that is not known yet.
   *
   * Rejects when gate or log do not answer.
   */
  async advance(epoch: number): Promise<number | null> {
    // Another epoch may have another gate with another clock, to which old instants mean nothing.
    this.samples = this.samples.filter((sample) => sample.epoch === epoch);
    // When the list is full, keep the oldest samples: otherwise a consumer that is far behind would never pass one.
    // Replace the last one: a log that has lost its end may never reach the offsets of the others again.
    if (this.samples.length >= MAX_SAMPLES) this.samples.pop();
    await this.sample(epoch);

    const committed = await this.log.committedOffsets();
    const start = await this.log.startOffsets();
    const passed = this.samples.findLastIndex(({ end }) => hasPassed(end, committed, start));
    if (passed > 0) this.samples.splice(0, passed);
    const newest = this.samples[0];
    // mutant: trusted-clock
    return passed < 0 || newest === undefined ? null : newest.instant - CLAIM_DEADLINE_MS;
  }

  /**
   * Reads the instant first, the offsets second. A claim admitted before `instant − D` was on the log by `instant` or
   * never gets there, so it lies below offsets that are read later. In the other order a claim could land between the
   * two readings: behind the offsets, and yet old enough by the instant.
   *
   * A copy may land later than D: a write that timed out in a socket, or a repeat that the user asked for. If the
   * sweeper has written a row for it by then, the claim is published twice, which the consumer settles without effect.
   */
  private async sample(epoch: number): Promise<void> {
    const instant = await this.gate.now();
    const end = await this.log.endOffsets();
    // A log without partitions says nothing about what is on it.
    if (end.size > 0) this.samples.push({ epoch, instant, end });
  }
}

/**
 * Is everything below these ends consumed, or deleted from the log? The group has no committed offset on a partition
 * that it never read. Such a partition counts as read up to its start, so it is passed when it is empty. Records below
 * the start were deleted, perhaps unread. The consumer cannot read them any more, so the sweeper has to find them
 * missing.
 */
function hasPassed(end: LogOffsets, committed: LogOffsets, start: LogOffsets): boolean {
  return [...end].every(([partition, last]) => {
    const first = start.get(partition) ?? 0;
    return Math.max(committed.get(partition) ?? first, first) >= last;
  });
}
