import { Module } from '@nestjs/common';
import { KnownDrifts } from '../../ports/live/known-drifts.js';
import { LiveCounters } from '../../ports/live/live-counters.js';

/** What the modules count and measure for those who watch a drop: one for each process, which they share. */
@Module({
  providers: [
    { provide: LiveCounters, useFactory: () => new LiveCounters() },
    { provide: KnownDrifts, useFactory: () => new KnownDrifts() },
  ],
  exports: [LiveCounters, KnownDrifts],
})
export class LiveCountersModule {}
