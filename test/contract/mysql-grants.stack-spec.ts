import { readFileSync } from 'node:fs';
import { createPool } from 'mysql2/promise';
import { migrate } from '../../src/infrastructure/mysql/mysql-migrator.js';
import { MysqlPool } from '../../src/infrastructure/mysql/mysql-pool.js';
import { MYSQL_DEFAULTS } from '../../src/infrastructure/mysql/mysql-settings.js';
import { OwnMysqlDatabase } from '../support/mysql.js';
import { openTestDatabase } from '../support/test-database.js';
import { type DatabaseHarness } from './database/database-under-test.js';
import { describeDatabaseContract } from './database/database.contract.js';

/** The rights of the service's own user, as in Compose and docs/deployment.md. */
const GRANTS = [
  ...readFileSync('ops/compose/mysql-users.sh', 'utf8').matchAll(
    /^GRANT (?<rights>.+) ON coupon\.(?<tables>\S+) TO 'coupon'@'%';$/gm,
  ),
].map(({ groups }) => groups as { rights: string; tables: string });
const PASSWORD = 'for-tests-only';

/** The owner makes the schema. The service has exactly the documented rights. */
async function openDatabase(): Promise<DatabaseHarness> {
  const { url, drop } = await openTestDatabase();
  const owner = createPool({ uri: url });
  const own = new URL(url);
  const name = own.pathname.slice(1);
  const account = `'${name.slice(0, 32)}'@'127.0.0.1'`;
  await owner.query(`CREATE USER ${account} IDENTIFIED BY '${PASSWORD}'`);
  for (const { rights, tables } of GRANTS) await owner.query(`GRANT ${rights} ON ${name}.${tables} TO ${account}`);
  // As in Compose, where the users are there before the tables.
  await migrate({ ...MYSQL_DEFAULTS, url, ssl: false });
  own.username = name.slice(0, 32);
  own.password = PASSWORD;
  const database = new OwnMysqlDatabase({ ...MYSQL_DEFAULTS, url: own.href, ssl: false }, false);
  await database.onModuleInit();
  return {
    database,
    execute: async (sql, parameters) => (await owner.query(sql, parameters))[0],
    // Only a migration needs it, and the owner runs migrations.
    withRunner: async (work) => {
      const migrator = await MysqlPool.connect({ ...MYSQL_DEFAULTS, url, ssl: false }, 1);
      try {
        await migrator.exclusive(work);
      } finally {
        await migrator.close();
      }
    },
    close: async () => {
      await database.onApplicationShutdown();
      await owner.query(`DROP USER ${account}`);
      await owner.end();
      await drop();
    },
  };
}

describeDatabaseContract('MysqlDatabase with the rights of ops/compose/mysql-users.sh', openDatabase);
