import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { StartupError } from '../../platform/config/startup-error.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { type MoveSource } from '../sql/move/move-installation.js';
import { SqlSession } from '../sql/sql-session.js';
import { SqliteConnection } from '../sqlite/sqlite-connection.js';
import { SQLITE_FILE, SqliteDataSource } from '../sqlite/sqlite-data-source.js';
import { SqliteDatabase } from '../sqlite/sqlite-database.js';
import { JournalClaimLog } from './journal-claim-log.js';
import { recordUnsettled } from './unsettled-journal.js';

/**
 * Opens the file of a data directory as the service does: with the lock that no second process gets, and with the
 * schema of this version. Runs `work` on it, and closes it.
 *
 * @throws StartupError when there is no such file, a process holds it, or the disk refuses; or what `work` throws.
 */
export async function withMoveSource<T>(path: string, work: (source: MoveSource) => Promise<T>): Promise<T> {
  const directory = resolve(path);
  if (!existsSync(directory)) throw new StartupError(`${directory} does not exist`);
  if (!statSync(directory).isDirectory()) throw new StartupError(`${directory} is no directory`);
  if (!existsSync(join(directory, SQLITE_FILE))) throw new StartupError(`${directory} has no ${SQLITE_FILE}`);
  const dataSource = new SqliteDataSource(directory);
  const connection = await SqliteConnection.open(dataSource);
  const named = <R>(result: Promise<R>): Promise<R> =>
    result.catch((error: unknown) => {
      if (!(error instanceof DatabaseError) || !error.code.startsWith('SQLITE_')) throw error;
      throw new StartupError(`${directory}: ${error.code}: ${error.message}`, { cause: error });
    });
  try {
    return await work({
      address: directory,
      dataSource,
      run: (use) => named(connection.exclusive((runner) => use(new SqlSession(runner)))),
      transaction: (use) => named(connection.transaction((runner) => use(new SqlSession(runner)))),
      settleJournal: () => named(settleJournal(connection)),
    });
  } finally {
    await dataSource.destroy();
  }
}

async function settleJournal(connection: SqliteConnection): Promise<number> {
  const recorded = await recordUnsettled(new JournalClaimLog(connection), new SqliteDatabase(connection));
  await connection.transaction(async (runner) => {
    const sql = new SqlSession(runner);
    const { now } = sql.dialect;
    // What the retry has sent to this log, or was about to, is due at once on the next one.
    await sql.execute(
      `UPDATE failed_events SET status = 'PENDING', next_attempt_at = ${now}, lease_owner = NULL, lease_until = NULL, ` +
        `version = version + 1, updated_at = ${now} WHERE status IN ('PUBLISHING', 'REPUBLISHED')`,
    );
  });
  return recorded;
}
