import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { FlowModule } from '../../platform/flow/flow.module.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { LiveCountersModule } from '../live/live-counters.module.js';
import { ClaimBatchConsumer } from './claim-batch-consumer.js';
import { ClaimEventsController } from './claim-events.controller.js';
import { ClaimPersistence } from './claim-persistence.js';
import { ClaimQuarantine } from './claim-quarantine.js';
import { ConsumerLag } from './consumer-lag.js';
import { ConsumerSettings } from './consumer-settings.js';
import { ConsumerMetrics } from './consumer.metrics.js';
import { QuarantineLog } from './quarantine-log.js';
import { ForeignClaimsMetrics } from './foreign-claims.metrics.js';
import { UnsignedEventsMetrics } from './unsigned-events.metrics.js';

/** 3 — claim log → coupons. Only a process with the role `consumer` consumes. */
@Module({
  imports: [FlowModule, GateWatchModule, MetricsModule, LiveCountersModule],
  providers: [ClaimPersistence, ClaimQuarantine, QuarantineLog, ClaimBatchConsumer, ConsumerMetrics, ConsumerSettings],
})
export class ConsumerModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    // A retry measures too: it sees the lag where no consumer runs.
    const measures = roles.has('consumer') || roles.has('retry');
    return {
      module: ConsumerModule,
      controllers: roles.has('consumer') ? [ClaimEventsController] : [],
      providers: [
        ...(measures ? [ConsumerLag] : []),
        ...(roles.has('consumer') ? [ForeignClaimsMetrics, UnsignedEventsMetrics] : []),
      ],
    };
  }
}
