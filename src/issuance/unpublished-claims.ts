import { Injectable } from '@nestjs/common';
import { type UnpublishedClaim } from '../events/failed-event-store.js';
import { NaturalBatcher } from '../events/natural-batcher.js';
import { Admission } from '../gate/admission.js';
import { inCaseOfCollision } from '../persistence/collision.js';
import { DatabaseError } from '../persistence/database-error.js';
import { Database } from '../persistence/database.js';

/** How often a database that stored no claim is tried again, ms. */
const PROBE_INTERVAL_MS = 1_000;

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
  private readonly batcher = new NaturalBatcher<UnpublishedClaim, 'saved'>((claims) => this.insert(claims), {
    maxBatch: 500,
    maxWaiting: 20_000,
    maxInFlight: 1,
  });

  private probe: NodeJS.Timeout | undefined;
  private draining = false;

  constructor(
    private readonly database: Database,
    private readonly admission: Admission,
  ) {}

  /**
   * Resolves when the row is committed.
   * @throws EpochOverError, BatcherFullError, DatabaseError
   */
  async save(claim: UnpublishedClaim): Promise<void> {
    await this.batcher.add(claim);
  }

  async drain(): Promise<void> {
    this.draining = true;
    clearTimeout(this.probe);
    await this.batcher.drain();
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
      return found;
    } catch (error) {
      if (error instanceof DatabaseError && error.kind !== 'duplicate') {
        this.admission.storeRefused(error.message);
        this.probeLater();
      }
      throw error;
    }
  }

  /** While claims are refused before they come here, nothing else would find the database mended. */
  private probeLater(): void {
    clearTimeout(this.probe);
    if (this.draining) return;
    this.probe = setTimeout(() => {
      const proof = this.database.transaction((unit) => unit.failedEvents.proveWritable());
      this.watched(proof).catch(() => undefined);
    }, PROBE_INTERVAL_MS).unref();
  }
}
