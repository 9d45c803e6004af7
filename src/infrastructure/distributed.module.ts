import { type DynamicModule, Global, Module } from '@nestjs/common';
import { type DistributedConfig } from '../platform/config/env.js';
import { KafkaModule } from './kafka/kafka.module.js';
import { MysqlModule } from './mysql/mysql.module.js';
import { RedisModule } from './redis/redis.module.js';

/** Every port of the service, served by Redis, Kafka and MySQL; any number of processes share them. */
@Global()
@Module({})
export class DistributedModule {
  static on(config: DistributedConfig): DynamicModule {
    // Made once each: Nest knows a dynamic module by its value.
    const servers = [MysqlModule.for(config), RedisModule.for(config), KafkaModule.for(config)];
    return { module: DistributedModule, imports: servers, exports: servers };
  }
}
