import { type DynamicModule, Module } from '@nestjs/common';
import { type Role } from '../../platform/config/config-parts.js';
import { EventStreams } from '../../platform/http/streams/event-streams.js';
import { MetricsModule } from '../../platform/metrics/metrics.module.js';
import { OwnReport } from '../../ports/live/own-report.js';
import { GateWatchModule } from '../gate-watch/gate-watch.module.js';
import { RoleStates } from '../gate-watch/role-states.js';
import { AdminLiveController } from './admin-live.controller.js';
import { CampaignReadings } from './campaign-readings.js';
import { CounterPublisher } from './counter-publisher.js';
import { LiveController } from './live.controller.js';
import { LiveCountersModule } from './live-counters.module.js';
import { LiveFeeds } from './live-feeds.js';
import { LiveMetrics } from './live.metrics.js';

/** Shows a drop while it runs. Every process shows what it counts; one with the role `api` serves those who watch. */
@Module({
  imports: [GateWatchModule, LiveCountersModule, MetricsModule],
  providers: [CounterPublisher, RoleStates, { provide: OwnReport, useExisting: CounterPublisher }],
  exports: [OwnReport],
})
export class LiveModule {
  static for(roles: ReadonlySet<Role>): DynamicModule {
    if (!roles.has('api')) return { module: LiveModule };
    return {
      module: LiveModule,
      controllers: [LiveController, AdminLiveController],
      providers: [CampaignReadings, EventStreams, LiveFeeds, LiveMetrics],
    };
  }
}
