import { type Database } from '../../ports/database/database.js';
import { MysqlDataSource, POOL_SIZES, type PoolName } from './mysql-data-source.js';
import { MysqlDatabase } from './mysql-database.js';
import { MysqlPools } from './mysql-pools.js';
import { type MysqlSettings } from './mysql-settings.js';

/**
 * Runs `work` on the database, for a command, beside the processes that use it. Never migrates.
 * @throws StartupError when the server can never be used, DatabaseError when it does not answer; or what `work` throws.
 */
export async function useMysqlDatabase<T>(
  settings: MysqlSettings,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const source = (name: PoolName) => new MysqlDataSource(settings, POOL_SIZES[name](settings));
  const sources = [source('writes'), source('reads'), source('urgentReads')] as const;
  const database = new MysqlDatabase(new MysqlPools(...sources), false);
  try {
    await database.onModuleInit();
    return await work(database);
  } finally {
    await database.onApplicationShutdown();
    for (const each of sources) if (each.isInitialized) await each.destroy();
  }
}
