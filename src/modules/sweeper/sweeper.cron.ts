import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../platform/flow/clock.js';
import { ScheduledJob } from '../../platform/flow/scheduled-job.js';
import { PendingSweeper } from './pending-sweeper.js';

/** Only the schedule. The gate's clock decides how old a claim has to be. */
@Injectable()
export class SweeperCron implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly job: ScheduledJob;

  constructor(sweeper: PendingSweeper, clock: Clock) {
    this.job = new ScheduledJob('sweep', (signal) => sweeper.sweep(signal), new Logger(SweeperCron.name), clock);
  }

  /** Every 10 s, between two drains. Never rejects. */
  @Cron('5/10 * * * * *', { name: 'pending-sweep', waitForCompletion: true })
  sweep(): Promise<void> {
    return this.job.run();
  }

  /** Nest waits for one module after another. All schedules are aborted before the first wait. */
  onModuleDestroy(): void {
    this.job.abort();
  }

  /** Before the connections close, because the work needs them. */
  beforeApplicationShutdown(): Promise<void> {
    return this.job.stop();
  }
}
