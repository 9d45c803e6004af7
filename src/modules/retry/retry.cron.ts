import { Injectable, Logger } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Clock } from '../../platform/flow/clock.js';
import { ScheduledJob } from '../../platform/flow/scheduled-job.js';
import { FailedEventDrainer } from './failed-event-drainer.js';

/** Only the schedule. The database's clock decides what is due, and tests call `drain()` of the drainer. */
@Injectable()
export class RetryCron extends ScheduledJob {
  constructor(drainer: FailedEventDrainer, clock: Clock) {
    super('drain', (signal) => drainer.drain(signal), new Logger(RetryCron.name), clock);
  }

  /** Every 10 s. Never rejects. */
  @Cron('*/10 * * * * *', { name: 'failed-event-drain', waitForCompletion: true })
  drain(): Promise<void> {
    return this.run();
  }
}
