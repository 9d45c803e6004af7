import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { parseEnv } from '../../platform/config/env.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { Database } from '../../ports/database/database.js';
import { MysqlModule } from './mysql.module.js';

describe('MysqlModule', () => {
  let app: TestingModule | undefined;

  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  const compile = (databaseUrl: string) => {
    const config = parseEnv({
      PROFILE: 'distributed',
      IDENTITY: 'open',
      REDIS_URL: 'redis://127.0.0.1:1',
      KAFKA_BROKERS: '127.0.0.1:1',
      DATABASE_URL: 'mysql://user:password@127.0.0.1:1/coupon',
      ADMIN_TOKEN: 'kW4nT7bq0Zx9LrD2mVhY5cJf8GsPuE3a',
    });
    const imports = [MysqlModule.for(Object.assign(config, { databaseUrl }))];
    return Test.createTestingModule({ imports }).compile();
  };

  it('starts without a server, and says so to everybody who asks', async () => {
    app = await compile('mysql://user:password@127.0.0.1:1/coupon');
    await app.init();
    const database = app.get(Database, { strict: false });
    await expect(database.read(({ gate }) => gate.read())).rejects.toMatchObject({ code: 'NOT_JOINED' });
    await app.close();
  });

  it('tries no second time what cannot be made', async () => {
    const tries = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    await expect(compile('mysql://user:100%secret@127.0.0.1:1/coupon')).rejects.toBeInstanceOf(StartupError);
    expect(tries.mock.calls.filter(([line]) => String(line).includes('Retrying'))).toEqual([]);
  });
});
