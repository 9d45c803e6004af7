import { Module } from '@nestjs/common';
import { CampaignLabels } from './campaign-labels.js';
import { MetricsRegistry } from './metrics-registry.js';

@Module({
  providers: [
    { provide: MetricsRegistry, useFactory: () => MetricsRegistry.ofProcess() },
    { provide: CampaignLabels, useFactory: () => new CampaignLabels() },
  ],
  exports: [MetricsRegistry, CampaignLabels],
})
export class MetricsModule {}
