import { Injectable } from '@nestjs/common';
import { CLAIM_DEADLINE_MS } from '../../domain/deadlines.js';
import { Clock } from '../../platform/flow/clock.js';
import { NaturalBatcher } from '../../platform/flow/natural-batcher.js';
import { Timers } from '../../platform/flow/timers.js';
import { Database } from '../../ports/database/database.js';

/** One query at a time. */
const BATCHING = { maxBatch: 500, maxWaiting: 5_000, maxInFlight: 1 };

const late = (): Error => new Error('the database did not tell in time whether the claim was discarded');

/**
 * Says whether an operator has discarded a claim. The gate shows a discarded claim until its slot is released, which
 * may be later: the gate may be away when the operator decides.
 */
@Injectable()
export class DiscardedClaims {
  private readonly questions: NaturalBatcher<string, boolean>;

  constructor(
    private readonly database: Database,
    clock: Clock,
    timers: Timers,
  ) {
    const patience = { ms: CLAIM_DEADLINE_MS / 2, waited: late, unanswered: late };
    this.questions = new NaturalBatcher((claimIds) => this.ask(claimIds), BATCHING, clock, timers, patience);
  }

  /** @throws DatabaseError, BatcherFullError, or an Error when the database does not answer within a second. */
  has(claimId: string): Promise<boolean> {
    return this.questions.add(claimId);
  }

  private ask(claimIds: readonly string[]): Promise<boolean[]> {
    return this.database.read(async (unit) => {
      const statuses = await unit.failedEvents.statusesOf(claimIds);
      return claimIds.map((claimId) => statuses.get(claimId) === 'DISCARDED');
    });
  }
}
