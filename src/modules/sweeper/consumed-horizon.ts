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
 * A clock alone cannot tell: with a consumer that is an hour behind, a claim that is pending for an hour is on its way,
 * and would be published a second time for nothing, as would every other claim of the backlog.
 */
@Injectable()
export class ConsumedHorizon {
  /** Oldest first. The first may have been passed already; it stays until a later one has been. */
  private samples: Sample[] = [];

  constructor(
    private readonly gate: IssuanceGate,
    private readonly log: ClaimLog,
  ) {}

  /**
   * Takes a sample, and returns the instant (ms, the gate's clock) before which every claim admitted under this epoch
   * has been consumed or never reached the log; null when that is not known yet.
   *
   * Rejects when gate or log cannot be asked.
   */
  async advance(epoch: number): Promise<number | null> {
    // Another epoch may have another gate with another clock, to which old instants mean nothing.
    this.samples = this.samples.filter((sample) => sample.epoch === epoch);
    // When full, the oldest ones are kept: if they gave way to new ones, a consumer that is far behind would pass none.
    // The last place is always for now: a log that has lost its end may never reach again what the others say.
    if (this.samples.length === MAX_SAMPLES) this.samples.pop();
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
   * The instant first, the offsets second. A claim admitted before `instant − D` was on the log by `instant` if ever,
   * so it lies below offsets that are read after that. The other way round, a claim could land between the two readings:
   * behind the offsets, yet old enough by the instant.
   *
   * A copy may land later than D: one that timed out in a socket, or one that its owner asked for again. If a row is
   * written for it meanwhile, the claim is published twice, which the consumer settles without effect.
   */
  private async sample(epoch: number): Promise<void> {
    const instant = await this.gate.now();
    const end = await this.log.endOffsets();
    // A log without partitions says nothing about what is on it.
    if (end.size > 0) this.samples.push({ epoch, instant, end });
  }
}

/**
 * Is everything below these ends consumed, or gone from the log for good? A group's committed offset stays missing on a
 * partition that it never read, so such a partition counts as read up to its start: passed when it is empty. What was
 * deleted below the start unread cannot be consumed any more either, and has to be found missing.
 */
function hasPassed(end: LogOffsets, committed: LogOffsets, start: LogOffsets): boolean {
  return [...end].every(([partition, last]) => {
    const first = start.get(partition) ?? 0;
    return Math.max(committed.get(partition) ?? first, first) >= last;
  });
}
