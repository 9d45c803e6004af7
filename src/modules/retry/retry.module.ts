import { type DynamicModule, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { type Role } from '../../platform/config/env.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { WatchModule } from '../watch/watch.module.js';
import { FailedEventDrainer } from './failed-event-drainer.js';
import { FailedEventMetrics } from './failed-event-metrics.js';
import { FailedEventOperations } from './failed-event-operations.js';
import { FailedEventsController } from './failed-events.controller.js';
import { RetryCron } from './retry.cron.js';

/** Brings claims that failed or never arrived back onto the log, and lets operators look after them. */
@Module({
  imports: [WatchModule, MetricsModule],
  providers: [FailedEventDrainer, FailedEventOperations, FailedEventMetrics],
})
export class RetryModule {
  /** Role `retry` runs the schedule, role `api` serves the operators' calls. Needs the ports from modules around it. */
  static for(roles: ReadonlySet<Role>): DynamicModule {
    const scheduled = roles.has('retry');
    return {
      module: RetryModule,
      imports: scheduled ? [ScheduleModule.forRoot()] : [],
      providers: scheduled ? [RetryCron] : [],
      controllers: roles.has('api') ? [FailedEventsController] : [],
    };
  }
}
