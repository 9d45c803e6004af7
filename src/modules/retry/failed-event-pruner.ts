import { Injectable, Logger } from '@nestjs/common';
import { AppConfig } from '../../platform/config/env.js';
import { inCaseOfCollision } from '../../ports/database/collision.js';
import { Database } from '../../ports/database/database.js';
import { type PruneCursor, type PrunedPage } from '../../ports/database/failed-event-store.js';

/** Rows of one transaction. It locks what it deletes, for some ms. */
const BATCH = 500;
/** The most batches of one call, so that a call always ends: 100,000 rows every ten minutes. */
const MAX_BATCHES = 200;

/** What one `prune()` did, in rows. */
export interface PruneReport {
  readonly deleted: number;
  /** DISCARDED rows that lost the message that they kept. */
  readonly emptied: number;
}

/**
 * Deletes failed events that were resolved long ago. Nothing else takes rows out of the table, and each one costs space
 * and time for as long as it is there.
 *
 * Any number of processes may prune at once: a row is deleted once.
 */
@Injectable()
export class FailedEventPruner {
  private readonly logger = new Logger(FailedEventPruner.name);

  constructor(
    private readonly database: Database,
    private readonly config: AppConfig,
  ) {}

  /** @throws DatabaseError. What was deleted by then stays deleted. */
  async prune(signal?: AbortSignal): Promise<PruneReport> {
    const ageMs = this.config.failedEventRetentionMs;
    let deleted = 0;
    let after: PruneCursor | null = null;
    for (let batch = 0; batch < MAX_BATCHES && signal?.aborted !== true; batch++) {
      const from = after;
      // The consumer may be looking at such a row, when messages come again.
      const page: PrunedPage = await inCaseOfCollision('infrastructure', () =>
        this.database.transaction((unit) => unit.failedEvents.pruneResolved(ageMs, BATCH, from)),
      );
      deleted += page.deleted;
      after = page.next;
      if (after === null) break;
    }
    const emptied = await this.database.transaction((unit) => unit.failedEvents.emptyDiscarded(ageMs, BATCH));
    if (deleted > 0) this.logger.log({ message: `${deleted} resolved failed events were deleted`, deleted, emptied });
    return { deleted, emptied };
  }
}
