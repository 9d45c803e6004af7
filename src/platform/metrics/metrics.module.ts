import { Module } from '@nestjs/common';
import { collectDefaultMetrics } from 'prom-client';
import { CampaignLabels } from './campaign-labels.js';
import { MetricsRegistry } from './metrics-registry.js';

function registryOfProcess(): MetricsRegistry {
  const registry = new MetricsRegistry();
  collectDefaultMetrics({ register: registry });
  return registry;
}

/**
 * One registry for each application. With the library's global registry, two applications in one test would collide.
 */
@Module({
  providers: [
    { provide: MetricsRegistry, useFactory: registryOfProcess },
    { provide: CampaignLabels, useFactory: () => new CampaignLabels() },
  ],
  exports: [MetricsRegistry, CampaignLabels],
})
export class MetricsModule {}
