import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../platform/flow/clock.js';
import { ScheduledJob } from '../../platform/flow/scheduled-job.js';
import { FailedEventPruner } from './failed-event-pruner.js';

/** Only the schedule. The database's clock decides what is old, and tests call `prune()` of the pruner. */
@Injectable()
export class PruneCron extends ScheduledJob {
  constructor(pruner: FailedEventPruner, clock: Clock) {
    super('prune', (signal) => pruner.prune(signal), new Logger(PruneCron.name), clock);
  }

  /** Every ten minutes, between a drain and a sweep. Never rejects. */
  @Cron('3 */10 * * * *', { name: 'failed-event-prune', waitForCompletion: true })
  prune(): Promise<void> {
    return this.run();
  }
}
