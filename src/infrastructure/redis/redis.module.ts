import { type DynamicModule, Module } from '@nestjs/common';
import { GateBuilder } from '../../ports/gate/gate-builder.js';
import { ProcessBoard } from '../../ports/live/process-board.js';
import { UnwatchedGate } from '../../ports/gate/unwatched-gate.js';
import { RedisConnection } from './redis-connection.js';
import { RedisGateBuilder } from './redis-gate-builder.js';
import { RedisIssuanceGate } from './redis-issuance-gate.js';
import { RedisProcessBoard } from './redis-process-board.js';

/** The gate in Redis. */
@Module({})
export class RedisModule {
  static for({ redisUrl }: { readonly redisUrl: string }): DynamicModule {
    return {
      module: RedisModule,
      providers: [
        { provide: RedisConnection, useFactory: () => new RedisConnection(redisUrl) },
        {
          provide: UnwatchedGate,
          useFactory: (connection: RedisConnection) => new RedisIssuanceGate(connection),
          inject: [RedisConnection],
        },
        {
          provide: ProcessBoard,
          useFactory: (connection: RedisConnection) => new RedisProcessBoard(connection),
          inject: [RedisConnection],
        },
        {
          provide: GateBuilder,
          useFactory: (connection: RedisConnection) => new RedisGateBuilder(connection),
          inject: [RedisConnection],
        },
      ],
      exports: [UnwatchedGate, GateBuilder, ProcessBoard],
    };
  }
}
