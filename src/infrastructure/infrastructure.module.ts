import { type DynamicModule } from '@nestjs/common';
import { type AppConfig } from '../config/env.js';
import { DistributedModule } from './distributed.module.js';
import { EmbeddedModule } from './embedded/embedded.module.js';

/** Chooses the adapters behind the ports. Nothing falls back silently: a profile is served whole or not at all. */
export class InfrastructureModule {
  static for(config: AppConfig): DynamicModule {
    return config.isDistributed() ? DistributedModule.on(config) : EmbeddedModule.in(config.dataDir);
  }
}
