import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../platform/flow/clock.js';
import { ScheduledJob } from '../../platform/flow/scheduled-job.js';
import { PendingSweeper } from './pending-sweeper.js';

/** Only the schedule. The gate's clock decides how old a claim has to be. */
@Injectable()
export class SweeperCron extends ScheduledJob {
  constructor(sweeper: PendingSweeper, clock: Clock) {
    super('sweep', (signal) => sweeper.sweep(signal), new Logger(SweeperCron.name), clock);
  }

  /** Every 10 s, between two drains. Never rejects. */
  @Cron('5/10 * * * * *', { name: 'pending-sweep', waitForCompletion: true })
  sweep(): Promise<void> {
    return this.run();
  }
}
