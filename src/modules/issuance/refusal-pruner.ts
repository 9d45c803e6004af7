import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { AppConfig } from '../../platform/config/env.js';
import { Clock } from '../../platform/flow/clock.js';
import { ScheduledJob } from '../../platform/flow/scheduled-job.js';
import { inCaseOfCollision } from '../../ports/database/collision.js';
import { Database } from '../../ports/database/database.js';

/** Rows of one transaction. */
const BATCH = 500;
/** The most batches of one round, so that a round always ends. */
const MAX_BATCHES = 200;

/** Deletes refusals that are older than REFUSAL_RETENTION. */
@Injectable()
export class RefusalPruner extends ScheduledJob {
  constructor(
    private readonly database: Database,
    private readonly config: AppConfig,
    clock: Clock,
  ) {
    super('the pruning of refusals', (signal) => this.prune(signal), new Logger(RefusalPruner.name), clock);
  }

  /** Every ten minutes. Never rejects. */
  @Cron('33 */10 * * * *', { name: 'refusal-prune', waitForCompletion: true })
  scheduled(): Promise<void> {
    return this.run();
  }

  /** @throws DatabaseError. What was deleted by then stays deleted. */
  async prune(signal?: AbortSignal): Promise<number> {
    let deleted = 0;
    for (let batch = 0; batch < MAX_BATCHES && signal?.aborted !== true; batch++) {
      const count = await inCaseOfCollision('infrastructure', () =>
        this.database.transaction((unit) => unit.refusals.prune(this.config.refusalRetentionMs, BATCH)),
      );
      deleted += count;
      if (count < BATCH) break;
    }
    return deleted;
  }
}
