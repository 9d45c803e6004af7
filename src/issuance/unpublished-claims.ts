import { Inject, Injectable } from '@nestjs/common';
import { type UnpublishedClaim } from '../events/failed-event-store.js';
import { NaturalBatcher } from '../events/natural-batcher.js';
import { inCaseOfCollision } from '../persistence/collision.js';
import { Database } from '../persistence/database.js';

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

  constructor(@Inject(Database) private readonly database: Database) {}

  /**
   * Resolves when the row is committed.
   * @throws EpochOverError, BatcherFullError, DatabaseError
   */
  async save(claim: UnpublishedClaim): Promise<void> {
    await this.batcher.add(claim);
  }

  drain(): Promise<void> {
    return this.batcher.drain();
  }

  /** One fate for all but those that the epoch has left behind. */
  private async insert(claims: readonly UnpublishedClaim[]): Promise<('saved' | EpochOverError)[]> {
    // Another instance may insert one of these claims at the same time: a replay of it, or the sweeper. Read again, and
    // find its row; the other claims of the batch have nothing to do with it.
    return inCaseOfCollision('duplicate', () =>
      this.database.transaction(async (unit) => {
        // The share lock orders this insert against a rebuild: either the rebuild sees the row, or the row is refused.
        const { epoch } = await unit.gate.lockShared();
        await unit.failedEvents.addUnpublished(claims.filter(({ claim }) => claim.epoch === epoch));
        const over = new EpochOverError(`epoch ${epoch} is being built or open`);
        return claims.map(({ claim }) => (claim.epoch === epoch ? 'saved' : over));
      }),
    );
  }
}
