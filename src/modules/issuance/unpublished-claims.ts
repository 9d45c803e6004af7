import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { NaturalBatcher } from '../../platform/flow/natural-batcher.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { inCaseOfCollision } from '../../ports/database/collision.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database } from '../../ports/database/database.js';
import { type UnpublishedClaim } from '../../ports/database/failed-event-store.js';
import { Admission } from '../gate-watch/admission.js';

/** How often a database that refused a claim is probed, ms. */
const PROBE_INTERVAL_MS = 1_000;

const BATCHING = { maxBatch: 500, maxWaiting: 20_000, maxInFlight: 1 };

/** A rebuild has begun since the gate admitted the claim: no failed event may be written under its epoch any more. */
export class EpochOverError extends Error {
  override readonly name = 'EpochOverError';
}

/**
 * The second way to make a claim durable. When the log does not take a claim, the api commits a `failed_events` row,
 * and the retry publishes it later. Claims are batched, because they all come at once when a broker goes away.
 */
@Injectable()
export class UnpublishedClaims {
  private readonly batcher: NaturalBatcher<UnpublishedClaim, 'saved'>;
  private readonly probes: PeriodicTask;

  constructor(
    private readonly database: Database,
    private readonly admission: Admission,
    clock: Clock,
    timers: Timers,
  ) {
    this.batcher = new NaturalBatcher<UnpublishedClaim, 'saved'>(
      (claims) => this.insert(claims),
      BATCHING,
      clock,
      timers,
    );
    this.probes = new PeriodicTask(timers, PROBE_INTERVAL_MS, () => this.probe());
  }

  /**
   * Resolves when the row is committed.
   * @throws EpochOverError, BatcherFullError, DatabaseError
   */
  async save(claim: UnpublishedClaim): Promise<void> {
    await this.batcher.add(claim);
  }

  async drain(): Promise<void> {
    await Promise.all([this.probes.stop(), this.batcher.drain()]);
  }

  /** All are saved, except those of an older epoch; or none is, and it throws. */
  private async insert(claims: readonly UnpublishedClaim[]): Promise<('saved' | EpochOverError)[]> {
    // Another instance may insert one of these claims at the same time, for a replay or as the sweeper. Then try again:
    // the row is found, and the other claims of the batch are not lost by it.
    const inserted = inCaseOfCollision('duplicate', () =>
      this.database.transaction(async (unit) => {
        // The share lock orders this insert against a rebuild: either the rebuild sees the row, or this insert is
        // refused.
        // mutant: unordered-store
        const { epoch } = await unit.gate.lockShared();
        await unit.failedEvents.addUnpublished(claims.filter(({ claim }) => claim.epoch === epoch));
        const over = new EpochOverError(`epoch ${epoch} is being built or open`);
        return claims.map(({ claim }) => (claim.epoch === epoch ? 'saved' : over));
      }),
    );
    return this.reported(inserted);
  }

  /** Tells {@link Admission} whether the database stores claims. */
  private async reported<T>(stored: Promise<T>): Promise<T> {
    try {
      const found = await stored;
      this.admission.storeAccepted();
      this.probes.pause();
      return found;
    } catch (error) {
      if (error instanceof DatabaseError && error.kind !== 'duplicate') {
        this.admission.storeRefused(error.message);
        this.probes.start();
      }
      throw error;
    }
  }

  /** While the api refuses claims before the gate, nothing else would find the database back. Never rejects. */
  private async probe(): Promise<void> {
    await this.reported(this.database.transaction((unit) => unit.failedEvents.proveWritable())).catch(() => undefined);
  }
}
