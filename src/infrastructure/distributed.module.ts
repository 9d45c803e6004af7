import { type DynamicModule, Global, Module } from '@nestjs/common';
import { type DistributedConfig } from '../platform/config/env.js';
import { KafkaModule } from './kafka/kafka.module.js';
import { MysqlModule } from './mysql/mysql.module.js';
import { RedisModule } from './redis/redis.module.js';

/** Serves every port by Redis, Kafka and MySQL. Any number of processes share them. */
@Global()
@Module({})
export class DistributedModule {
  static on(config: DistributedConfig): DynamicModule {
    // Each is made once: Nest knows a dynamic module by its value, and exports have to name the same one.
    const servers = [MysqlModule.for(config), RedisModule.for(config), KafkaModule.for(config)];
    return { module: DistributedModule, imports: servers, exports: servers };
  }
}
