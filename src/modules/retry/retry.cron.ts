import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../platform/flow/clock.js';
import { ScheduledJob } from '../../platform/flow/scheduled-job.js';
import { FailedEventDrainer } from './failed-event-drainer.js';

/** Only the schedule. The database's clock decides what is due, and tests call `drain()` of the drainer. */
@Injectable()
export class RetryCron implements BeforeApplicationShutdown {
  private readonly job: ScheduledJob;

  constructor(drainer: FailedEventDrainer, clock: Clock) {
    this.job = new ScheduledJob('drain', (signal) => drainer.drain(signal), new Logger(RetryCron.name), clock);
  }

  /** Every 10 s. Never rejects. */
  @Cron('*/10 * * * * *', { name: 'failed-event-drain', waitForCompletion: true })
  drain(): Promise<void> {
    return this.job.run();
  }

  /** Before the connections close, because the work needs them. */
  beforeApplicationShutdown(): Promise<void> {
    return this.job.stop();
  }
}
