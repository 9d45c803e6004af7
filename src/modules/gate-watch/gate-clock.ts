import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { SharedRead } from '../../platform/flow/shared-read.js';
import { IssuanceGate } from '../../ports/gate/issuance-gate.js';

/** How old a comparison of the two clocks may be, ms. */
const MAX_AGE_MS = 1_000;

/**
 * The gate's clock, which decides windows, read from this process: how far it is from our own clock is asked once a
 * second for all callers.
 */
@Injectable()
export class GateClock {
  private readonly offset: SharedRead<number>;
  private known = 0;

  constructor(
    private readonly gate: IssuanceGate,
    private readonly clock: Clock,
  ) {
    this.offset = new SharedRead(() => this.compare(), MAX_AGE_MS, clock);
  }

  /**
   * The gate's clock minus our own, ms; the last known one while the gate does not answer. It is a little too small, by
   * the time that the gate's answer took, so what counts by it never runs ahead of the gate.
   */
  offsetMs(): Promise<number> {
    return this.offset.get();
  }

  /** The gate's instant, ms since the Unix epoch. */
  async now(): Promise<number> {
    const offset = await this.offsetMs();
    return this.clock.wall() + offset;
  }

  private async compare(): Promise<number> {
    try {
      this.known = (await this.gate.now()) - this.clock.wall();
    } catch {
      // Keep what was known: two clocks do not part because the gate is away.
    }
    return this.known;
  }
}
