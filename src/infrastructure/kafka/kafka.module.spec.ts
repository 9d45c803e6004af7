import { afterEach, describe, expect, it } from '@jest/globals';
import { Global, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { type Role } from '../../platform/config/config-parts.js';
import { type AppConfig, parseEnv } from '../../platform/config/env.js';
import { Database } from '../../ports/database/database.js';
import { ClaimLog } from '../../ports/log/claim-log.js';
import { ClaimTransport } from '../../ports/log/claim-transport.js';
import { KafkaClaimLog } from './kafka-claim-log.js';
import { KafkaClaimServer } from './kafka-claim-server.js';
import { KafkaModule } from './kafka.module.js';

/** No broker listens there, and none has to. */
const configFor = (...roles: Role[]): AppConfig =>
  parseEnv({
    PROFILE: 'distributed',
    IDENTITY: 'open',
    ROLES: roles.join(','),
    REDIS_URL: 'redis://127.0.0.1:1',
    KAFKA_BROKERS: '127.0.0.1:1',
    DATABASE_URL: 'mysql://user:password@127.0.0.1:1/coupon',
    ADMIN_TOKEN: 'kW4nT7bq0Zx9LrD2mVhY5cJf8GsPuE3a',
  });

/** A database that is away. */
@Global()
@Module({
  providers: [{ provide: Database, useValue: { read: () => Promise.reject(new Error('no database')) } }],
  exports: [Database],
})
class DatabaseModule {}

describe('KafkaModule', () => {
  let app: TestingModule;

  afterEach(() => app.close());

  const open = async (...roles: Role[]) => {
    app = await Test.createTestingModule({ imports: [DatabaseModule, KafkaModule.for(configFor(...roles))] }).compile();
    await app.init();
    return app;
  };

  it('is up without a broker and a database, and gives a consumer its transport', async () => {
    const { strategy } = (await open('consumer')).get(ClaimTransport, { strict: false });
    expect(strategy).toBeInstanceOf(KafkaClaimServer);
    expect(app.get(ClaimLog, { strict: false })).toBeInstanceOf(KafkaClaimLog);
  });

  it('has no transport where nothing is consumed', async () => {
    await open('api', 'retry');
    expect(() => app.get(ClaimTransport, { strict: false })).toThrow();
    expect(app.get(ClaimLog, { strict: false })).toBeInstanceOf(KafkaClaimLog);
  });
});
