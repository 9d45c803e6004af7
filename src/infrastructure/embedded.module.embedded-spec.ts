import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { getDataSourceToken } from '@nestjs/typeorm';
import { DataSource, EntityManager } from 'typeorm';
import { ConfigModule } from '../platform/config/config.module.js';
import { parseEnv } from '../platform/config/env.js';
import { Database } from '../ports/database/database.js';
import { EmbeddedModule } from './embedded.module.js';
import { SqliteConnection } from './sqlite/sqlite-connection.js';
import { SQLITE_FILE, SqliteDataSource } from './sqlite/sqlite-data-source.js';

describe('EmbeddedModule', () => {
  let directory: string;
  let app: TestingModule;

  const open = async () => {
    const config = parseEnv({ DATA_DIR: directory });
    const imports = [ConfigModule.for(config), EmbeddedModule.in(directory)];
    app = await Test.createTestingModule({ imports }).compile();
    return app.init();
  };

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-'));
    await open();
  });
  afterEach(async () => {
    await app.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('ends when what was asked for is on the disk, and leaves the file to the next one', async () => {
    const database = app.get(Database, { strict: false });
    const stored = database.transaction(async ({ campaigns }) => {
      const campaign = { id: 'c', name: 'c', total: 1, startsAt: 0, endsAt: null, state: 'OPEN' } as const;
      await campaigns.insert(campaign);
      // Nest closes while this unit of work runs.
      for (let turn = 0; turn < 50; turn++) {
        await new Promise(setImmediate);
        await campaigns.find('c');
      }
    });
    await app.close();
    await stored;
    expect(app.get<SqliteDataSource>(getDataSourceToken(SqliteDataSource.NAME), { strict: false }).isInitialized).toBe(
      false,
    );
    expect(readdirSync(directory).filter((name) => name.startsWith(SQLITE_FILE))).toEqual([SQLITE_FILE]);
    await open();
    const found = app.get(Database, { strict: false }).read(({ campaigns }) => campaigns.find('c'));
    expect(await found).toMatchObject({ id: 'c' });
  });

  it('hands out no way past the mutex by its type', () => {
    expect(app.get(SqliteConnection, { strict: false })).toBeInstanceOf(SqliteConnection);
    for (const type of [DataSource, EntityManager]) expect(() => app.get(type, { strict: false })).toThrow();
  });
});
