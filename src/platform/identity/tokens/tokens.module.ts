import { type DynamicModule, Injectable, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { AppConfig } from '../../config/env.js';
import { type JwtConfig } from '../../config/jwt-config.js';
import { Clock } from '../../flow/clock.js';
import { FlowModule } from '../../flow/flow.module.js';
import { Timers } from '../../flow/timers.js';
import { MetricsModule } from '../../metrics/metrics.module.js';
import { MetricsRegistry } from '../../metrics/metrics-registry.js';
import { FileKeys, IssuerKeys } from './issuer-keys.js';
import { JwtVerifier } from './jwt-verifier.js';
import { RemoteKeys } from './remote-keys.js';
import { NoTokens, TokenVerifier } from './token-verifier.js';
import { TokenMetrics } from './token.metrics.js';

/** Fetches keys from the start on until the end. The start does not wait for them. */
@Injectable()
class KeyFetching implements OnModuleInit, OnApplicationShutdown {
  constructor(private readonly keys: IssuerKeys) {}

  onModuleInit(): void {
    this.keys.start();
  }

  onApplicationShutdown(): void {
    this.keys.stop();
  }
}

/** Provides {@link TokenVerifier}. Global: each module's guards ask who calls. Without IDENTITY=jwt, and in a process without the role api, it takes no token. */
@Module({})
export class TokensModule {
  static for({ jwt, roles }: Pick<AppConfig, 'jwt' | 'roles'>): DynamicModule {
    if (jwt === undefined || !roles.has('api')) {
      return {
        module: TokensModule,
        global: true,
        providers: [{ provide: TokenVerifier, useClass: NoTokens }],
        exports: [TokenVerifier],
      };
    }
    return {
      module: TokensModule,
      global: true,
      imports: [FlowModule, MetricsModule],
      providers: [
        {
          provide: IssuerKeys,
          inject: [Clock, Timers],
          useFactory: (clock: Clock, timers: Timers) => keysOf(jwt, clock, timers),
        },
        {
          provide: TokenVerifier,
          inject: [IssuerKeys, Clock, MetricsRegistry],
          useFactory: (keys: IssuerKeys, clock: Clock, registry: MetricsRegistry) =>
            new JwtVerifier(jwt, keys, clock, new TokenMetrics(registry)),
        },
        KeyFetching,
      ],
      exports: [TokenVerifier],
    };
  }
}

function keysOf({ keys, algorithms }: JwtConfig, clock: Clock, timers: Timers): IssuerKeys {
  return keys.kind === 'file' ? new FileKeys(keys.keys) : new RemoteKeys(keys.url, algorithms, clock, timers);
}
