import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../../platform/config/startup-error.js';
import { type Database } from '../../ports/database/database.js';
import { assertNotMoved } from './assert-not-moved.js';
import { SqliteConnection } from './sqlite-connection.js';
import { SQLITE_FILE, SqliteDataSource } from './sqlite-data-source.js';
import { SqliteDatabase } from './sqlite-database.js';

/**
 * Runs `work` on the file of a service that is stopped, for a command, and closes it. Nobody else can open it meanwhile.
 * @throws FileInUseError while a process holds the file.
 * @throws StartupError when there is none, or the installation has moved; or what `work` throws.
 */
export async function useSqliteDatabase<T>(directory: string, work: (database: Database) => Promise<T>): Promise<T> {
  if (!existsSync(join(directory, SQLITE_FILE))) {
    throw new StartupError(`DATA_DIR ${directory} has no ${SQLITE_FILE}: start the service once`);
  }
  const dataSource = new SqliteDataSource(directory);
  const connection = await SqliteConnection.open(dataSource);
  await assertNotMoved(connection, dataSource);
  try {
    return await work(new SqliteDatabase(connection));
  } finally {
    await dataSource.destroy();
  }
}
