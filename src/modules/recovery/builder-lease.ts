import { Logger } from '@nestjs/common';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { type Timers } from '../../platform/flow/timers.js';
import { withDeadline } from '../../platform/flow/with-deadline.js';
import { type Database } from '../../ports/database/database.js';
import { type GateRow } from '../../ports/database/gate-row-store.js';

/** How long a builder that does not renew its lease keeps the others away, ms. */
export const LEASE_MS = 10_000;
const RENEW_MS = 2_000;
/** How long a builder that failed waits until its lease is given back, ms: the process may be shutting down. */
const GIVE_BACK_MS = 1_000;

/** Another builder has the gate row: everything done under this epoch is void. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/** The process is shutting down: it gives the lease back, and another process builds. */
export class RebuildStoppedError extends Error {
  override readonly name = 'RebuildStoppedError';
}

/**
 * Keeps the gate row's lease alive while one rebuild runs.
 *
 * The lease only makes the others wait. The data is protected by something else: before each decision the builder
 * compares epoch and builder under the row's exclusive lock. So a renewal that fails is no reason to stop; one that is
 * refused is.
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

  /**
   * Call it under the row's exclusive lock. A lease that has run out does not matter: no builder took it over, and none
   * can while the lock is held.
   *
   * @throws LeaseLostError when another builder holds the row.
   */
  assertMine({ epoch, builder, fence }: GateRow): void {
    if (epoch === this.epoch && builder === this.builder && fence === null) return;
    throw new LeaseLostError(`epoch ${this.epoch} was taken over by epoch ${epoch}`);
  }

  /** Declares the lease lost: another builder has the row, or the process stops. */
  abort(reason: Error): void {
    this.renewals.pause();
    this.lost.abort(reason);
  }

  /** Waits. When the lease is lost, it rejects at once with the reason. */
  async wait(ms: number): Promise<void> {
    const { signal } = this.lost;
    signal.throwIfAborted();
    await this.timers.sleep(ms, signal);
    signal.throwIfAborted();
  }

  /** Ends the renewals and waits for the last one. The lease lasts until it runs out, or the row is open. */
  end(): Promise<void> {
    return this.renewals.stop();
  }

  /**
   * Ends the renewals and the lease, so that another builder may begin at once. Otherwise healthy builders would wait
   * for one that has failed. Never rejects; when the row cannot be written, the lease runs out by itself.
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
