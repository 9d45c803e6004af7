import { type DynamicModule } from '@nestjs/common';
import { type AppConfig } from '../platform/config/env.js';

/**
 * Chooses the adapters behind the ports. Nothing falls back silently: a profile is served whole or not at all. The
 * other profile's libraries are not loaded, so the process starts sooner and stays smaller.
 */
export class InfrastructureModule {
  static async for(config: AppConfig): Promise<DynamicModule> {
    if (config.isDistributed()) {
      const { DistributedModule } = await import('./distributed.module.js');
      return DistributedModule.on(config);
    }
    const { EmbeddedModule } = await import('./embedded.module.js');
    return EmbeddedModule.in(config.dataDir);
  }
}
