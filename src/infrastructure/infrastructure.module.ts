import { type DynamicModule } from '@nestjs/common';
import { type AppConfig } from '../config/env.js';
import { StartupError } from '../config/startup-error.js';
import { EmbeddedModule } from './embedded/embedded.module.js';

/** Chooses the adapters behind the ports. Nothing falls back silently: a profile is served whole or not at all. */
export class InfrastructureModule {
  /** @throws StartupError */
  static for(config: AppConfig): DynamicModule {
    if (config.profile === 'embedded') return EmbeddedModule.in(config.dataDir);
    throw new StartupError('PROFILE=distributed is not part of this version yet; embedded is');
  }
}
