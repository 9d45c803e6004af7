import { Injectable } from '@nestjs/common';
import { Clock } from '../../platform/flow/clock.js';
import { NaturalBatcher } from '../../platform/flow/natural-batcher.js';
import { PeriodicTask } from '../../platform/flow/periodic-task.js';
import { Timers } from '../../platform/flow/timers.js';
import { inCaseOfCollision } from '../../ports/database/collision.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database } from '../../ports/database/database.js';
import { type UnpublishedClaim } from '../../ports/database/failed-event-store.js';
import { Admission } from '../watch/admission.js';

/** How often a database that stored no claim is tried again, ms. */
const PROBE_INTERVAL_MS = 1_000;

const BATCHING = { maxBatch: 500, maxWaiting: 20_000, maxInFlight: 1 };

/** A rebuild has begun since the claim was admitted: nothing may be written under its epoch any more. */
export class EpochOverError extends Error {
  override readonly name = 'EpochOverError';
}

/**
 * The second way in which a claim becomes durable: when the log cannot take it, it is committed as a `failed_events`
 * row, from which the retry brings it onto the log later. Claims are grouped, since all of them come at once when a
 * broker goes away.
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
    this.probes = new PeriodicTask(timers, PROBE_INTERVAL_MS, () => this.prove());
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

  /** One fate for all but those that the epoch has left behind. */
  private async insert(claims: readonly UnpublishedClaim[]): Promise<('saved' | EpochOverError)[]> {
    // Another instance may insert one of these claims at the same time: a replay of it, or the sweeper. Read again, and
    // find its row; the other claims of the batch have nothing to do with it.
    const inserted = inCaseOfCollision('duplicate', () =>
      this.database.transaction(async (unit) => {
        // The share lock orders this insert against a rebuild: either the rebuild sees the row, or the row is refused.
        // mutant: unordered-store
        const { epoch } = await unit.gate.lockShared();
        await unit.failedEvents.addUnpublished(claims.filter(({ claim }) => claim.epoch === epoch));
        const over = new EpochOverError(`epoch ${epoch} is being built or open`);
        return claims.map(({ claim }) => (claim.epoch === epoch ? 'saved' : over));
      }),
    );
    return this.watched(inserted);
  }

  /** What the database makes of it tells whether the next claim has anywhere to go. */
  private async watched<T>(stored: Promise<T>): Promise<T> {
    try {
      const found = await stored;
      this.admission.storeTakes();
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

  /** While claims are refused before they come here, nothing else would find the database mended. Never rejects. */
  private async prove(): Promise<void> {
    await this.watched(this.database.transaction((unit) => unit.failedEvents.proveWritable())).catch(() => undefined);
  }
}
