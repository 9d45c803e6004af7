import { type BeforeApplicationShutdown, Injectable, Logger, type OnModuleDestroy } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../platform/flow/clock.js';
import { ScheduledJob } from '../../platform/flow/scheduled-job.js';
import { FailedEventDrainer } from './failed-event-drainer.js';

/** Only the schedule. The database's clock decides what is due, and tests call `drain()` of the drainer. */
@Injectable()
export class RetryCron implements OnModuleDestroy, BeforeApplicationShutdown {
  private readonly job: ScheduledJob;

  constructor(drainer: FailedEventDrainer, clock: Clock) {
    this.job = new ScheduledJob('drain', (signal) => drainer.drain(signal), new Logger(RetryCron.name), clock);
  }

  /** Every 10 s. Never rejects. */
  @Cron('*/10 * * * * *', { name: 'failed-event-drain', waitForCompletion: true })
  drain(): Promise<void> {
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
