import { type DynamicModule, Logger, Module } from '@nestjs/common';
import { AdminToken, loadAdminToken } from '../identity/admin-token.js';
import { AppConfig } from './env.js';

/** Provides the parsed configuration and the admin token to every module. No other code reads the environment. */
@Module({})
export class ConfigModule {
  /** @param config comes from `loadConfiguration()` in the process, and from `parseEnv({…})` in a test. */
  static for(config: AppConfig): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [
        { provide: AppConfig, useValue: config },
        {
          provide: AdminToken,
          useFactory: (): AdminToken => {
            const token = loadAdminToken(config);
            if (token.created) {
              new Logger(ConfigModule.name).log(`Admin token made on this first start: ${token.origin}`);
            }

            return token;
          },
        },
      ],
      exports: [AppConfig, AdminToken],
    };
  }
}
