import { describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { getDataSourceToken } from '@nestjs/typeorm';
import { type DataSource } from 'typeorm';
import { POOL_SIZES } from '../../../src/infrastructure/mysql/mysql-data-source.js';
import { MysqlModule } from '../../../src/infrastructure/mysql/mysql.module.js';
import { parseEnv } from '../../../src/platform/config/env.js';
import { Database } from '../../../src/ports/database/database.js';
import { openTestDatabase } from '../../support/test-database.js';

describe('MysqlModule', () => {
  it('leaves it to Nest to end every data source', async () => {
    const { url: databaseUrl, drop } = await openTestDatabase();
    const config = parseEnv({
      PROFILE: 'distributed',
      IDENTITY: 'open',
      REDIS_URL: 'redis://127.0.0.1:1',
      KAFKA_BROKERS: '127.0.0.1:1',
      DATABASE_URL: databaseUrl,
      ADMIN_TOKEN: 'kW4nT7bq0Zx9LrD2mVhY5cJf8GsPuE3a',
    });
    const imports = [MysqlModule.for(Object.assign(config, { databaseUrl }))];
    const app = await Test.createTestingModule({ imports }).compile();
    await app.init();
    const sources = Object.keys(POOL_SIZES).map((name) =>
      app.get<DataSource>(getDataSourceToken(name), { strict: false }),
    );
    expect(sources.map(({ isInitialized }) => isInitialized)).toEqual([true, true, true]);
    await app.close();
    expect(sources.map(({ isInitialized }) => isInitialized)).toEqual([false, false, false]);
    const late = app.get(Database, { strict: false }).read(({ gate }) => gate.read());
    await expect(late).rejects.toMatchObject({ code: 'POOL_CLOSED' });
    await drop();
  });
});
