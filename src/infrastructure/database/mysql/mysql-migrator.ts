import { MigrationExecutor } from 'typeorm';
import { DatabaseError } from '../../../persistence/database-error.js';
import { MysqlPool } from './mysql-pool.js';
import { type MysqlSettings } from './mysql-settings.js';

/** How long one migrator waits for another one, s. */
const LOCK_S = 60;

/** The oldest versions with CHECK constraints, SKIP LOCKED and INSERT … under the locks that the protocol takes. */
const OLDEST = { MariaDB: [10, 6, 0], MySQL: [8, 0, 16] } as const;

/** The server is there and must not be used; the message says why. */
export class UnfitDatabaseError extends Error {
  override readonly name = 'UnfitDatabaseError';
}

/**
 * Brings the schema up to date. Two processes may try at once: the lock is held by the connection that migrates, so it
 * is free again when that one dies.
 *
 * @returns the names of the migrations that were run.
 * @throws DatabaseError, or what a migration throws.
 */
export function migrate(settings: MysqlSettings): Promise<string[]> {
  return withMigrationConnection(settings, async (pool) => {
    return pool.exclusive(async (runner) => {
      // Locks are the server's and not the database's.
      const [row] = (await runner.query('SELECT GET_LOCK(CONCAT(DATABASE(), ?), ?) AS locked', [
        '.migrations',
        LOCK_S,
      ])) as { locked: number | string | null }[];
      if (Number(row?.locked) !== 1) {
        throw new DatabaseError(
          'infrastructure',
          'MIGRATION_LOCK',
          `another process migrates for more than ${LOCK_S} s`,
        );
      }
      try {
        const executor = new MigrationExecutor(pool.source, runner);
        // MySQL commits every change of a table by itself, whatever is around it.
        executor.transaction = 'none';
        return (await executor.executePendingMigrations()).map(({ name }) => name);
      } finally {
        await runner.query('SELECT RELEASE_LOCK(CONCAT(DATABASE(), ?))', ['.migrations']);
      }
    });
  });
}

/** @throws UnfitDatabaseError when the server is too old, or migrations are missing. */
export function assertMigrated(settings: MysqlSettings): Promise<void> {
  return withMigrationConnection(settings, async (pool) => {
    const pending = await pool.exclusive((runner) => new MigrationExecutor(pool.source, runner).getPendingMigrations());
    if (pending.length > 0) {
      throw new UnfitDatabaseError(`the schema is behind by ${pending.length}: run npm run migrate`);
    }
  });
}

async function withMigrationConnection<T>(settings: MysqlSettings, work: (pool: MysqlPool) => Promise<T>): Promise<T> {
  const patient = { ...settings, callMs: 10 * 60_000 };
  const pool = await MysqlPool.connect(patient, { size: 1, limited: false });
  try {
    await assertVersion(pool);
    return await work(pool);
  } finally {
    await pool.close();
  }
}

async function assertVersion(pool: MysqlPool): Promise<void> {
  const [row] = (await pool.exclusive((runner) => runner.query('SELECT VERSION() AS version'))) as {
    version: string;
  }[];
  const version = row?.version ?? '';
  const product = /mariadb/i.test(version) ? 'MariaDB' : 'MySQL';
  const oldest = OLDEST[product];
  // A prefix that replication once needed stands before MariaDB's own number.
  const numbers = version
    .replace(/^5\.5\.5-/, '')
    .split(/[.-]/, 3)
    .map(Number);
  for (const [place, least] of oldest.entries()) {
    const number = numbers[place] ?? 0;
    if (number > least) return;
    if (!(number >= least)) {
      throw new UnfitDatabaseError(`${product} ${oldest.join('.')} or later is needed, this one is ${version}`);
    }
  }
}
