import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { FailedEventApprovals } from './failed-event-approvals.js';
import { FailedEventBulkController } from './failed-event-bulk.controller.js';
import { FailedEventBulk } from './failed-event-bulk.js';
import { FailedEventDrainer } from './failed-event-drainer.js';
import { FailedEventOperations } from './failed-event-operations.js';
import { FailedEventMetrics } from './failed-event.metrics.js';
import { FailedEventPruner } from './failed-event-pruner.js';
import { FailedEventsController } from './failed-events.controller.js';
import { PruneCron } from './prune.cron.js';
import { RetryCron } from './retry.cron.js';

/** 4 — Publishes failed events on the log again, and serves the operators' calls on them. */
@Module({
  imports: [GateWatchModule, MetricsModule],
  providers: [FailedEventDrainer, FailedEventOperations, FailedEventBulk, FailedEventApprovals, FailedEventMetrics],
})
export class RetryModule {
  /** The role `retry` has the schedules, which run where Nest's ScheduleModule is; the role `api` serves the operators. */
  static for(roles: ReadonlySet<Role>): DynamicModule {
    return {
      module: RetryModule,
      providers: roles.has('retry') ? [FailedEventPruner, PruneCron, RetryCron] : [],
      controllers: roles.has('api') ? [FailedEventsController, FailedEventBulkController] : [],
    };
  }
}
