import { Logger } from '@nestjs/common';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { type Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { type Database } from '../../ports/database/database.js';

/** How long a builder that does not renew keeps others away, ms. */
export const LEASE_MS = 10_000;
const RENEW_MS = 2_000;
/** How long a builder that failed waits for its lease to be given back, ms: it may be a process that is told to end. */
const GIVE_BACK_MS = 1_000;

/** The gate row belongs to another builder: everything done under this epoch is void. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/**
 * Keeps the gate row's lease alive while one rebuild runs.
 *
 * The lease only keeps others patient. What protects the data is that epoch and builder are compared under the row's
 * exclusive lock before anything is decided; so a renewal that fails is no reason to stop, and one that is refused is.
 */
export class BuilderLease {
  private readonly logger = new Logger(BuilderLease.name);
  private readonly lost = new AbortController();
  private readonly renewals: PeriodicTask;

  constructor(
    private readonly database: Database,
    private readonly timers: Timers,
    readonly builder: string,
    readonly epoch: number,
  ) {
    this.renewals = new PeriodicTask(timers, RENEW_MS, () => this.renew());
    this.renewals.start();
  }

  /** @throws LeaseLostError when a renewal was refused. */
  check(): void {
    this.lost.signal.throwIfAborted();
  }

  /** Declares the lease lost: the row was seen in other hands, or the process stops. */
  abort(reason: Error): void {
    this.renewals.pause();
    this.lost.abort(reason);
  }

  /** Waits, but not for longer than the lease is held. */
  async wait(ms: number): Promise<void> {
    const { signal } = this.lost;
    signal.throwIfAborted();
    await this.timers.sleep(ms, signal);
    signal.throwIfAborted();
  }

  /** Ends the renewals and waits for the last one. The lease stands until it runs out, or the row is open. */
  end(): Promise<void> {
    return this.renewals.stop();
  }

  /**
   * Ends the renewals and the lease, so that anybody may begin at once: while it lasted, healthy builders would wait for
   * one that can do nothing with it. Never rejects; where the row cannot be written, the lease runs out by itself.
   */
  async giveBack(): Promise<void> {
    await this.end();
    try {
      const given = this.database.transaction((unit) => unit.gate.giveLeaseBack(this.builder, this.epoch));
      await withDeadline(given, GIVE_BACK_MS, this.timers);
    } catch (error) {
      this.logger.warn(`the lease of epoch ${this.epoch} could not be given back: ${(error as Error).message}`);
    }
  }

  private async renew(): Promise<void> {
    try {
      const renewed = await this.database.transaction((unit) =>
        unit.gate.renewLease(this.builder, this.epoch, LEASE_MS),
      );
      if (!renewed) this.abort(new LeaseLostError(`epoch ${this.epoch} has another builder by now`));
    } catch (error) {
      this.logger.warn(`the lease of epoch ${this.epoch} could not be renewed: ${(error as Error).message}`);
    }
  }
}
