import { createPool } from 'mysql2/promise';
import { MysqlPool } from '../../src/infrastructure/mysql/mysql-pool.js';
import { MYSQL_DEFAULTS } from '../../src/infrastructure/mysql/mysql-settings.js';
import { OwnMysqlDatabase } from '../support/mysql.js';
import { openTestDatabase } from '../support/test-database.js';
import { type DatabaseHarness } from './database/database-under-test.js';
import { describeDatabaseContract } from './database/database.contract.js';

async function openDatabase(): Promise<DatabaseHarness> {
  const { url, drop } = await openTestDatabase();
  const database = new OwnMysqlDatabase({ ...MYSQL_DEFAULTS, url, ssl: false }, true);
  await database.onModuleInit();
  const pool = createPool({ uri: url });
  return {
    database,
    execute: async (sql, parameters) => (await pool.query(sql, parameters))[0],
    withRunner: async (work) => {
      const migrator = await MysqlPool.connect({ ...MYSQL_DEFAULTS, url, ssl: false }, 1);
      try {
        await migrator.exclusive(work);
      } finally {
        await migrator.close();
      }
    },
    close: async () => {
      await pool.end();
      await database.onApplicationShutdown();
      await drop();
    },
  };
}

describeDatabaseContract('MysqlDatabase', openDatabase);
