import { StartupError } from '../../platform/config/startup-error.js';
import { whyMoved } from '../sql/move/move-installation.js';
import { readMark } from '../sql/move/move-mark.js';
import { SqlSession } from '../sql/sql-session.js';
import { type SqliteConnection } from './sqlite-connection.js';
import { type SqliteDataSource } from './sqlite-data-source.js';

/**
 * Call it before a service works on the file. Two services would give out the coupons of a moved installation twice.
 * @throws StartupError when the installation has moved, or a move has begun; the file is closed then.
 */
export async function assertNotMoved(connection: SqliteConnection, dataSource: SqliteDataSource): Promise<void> {
  const mark = await connection.exclusive((runner) => readMark(new SqlSession(runner)));
  // mutant: moved-start
  if (mark === null) return;
  await dataSource.destroy();
  throw new StartupError(whyMoved(`DATA_DIR ${dataSource.directory}`, mark));
}
