import { MigrationExecutor } from 'typeorm';
import { DatabaseError } from '../../ports/database/database-error.js';
import { readMark } from '../sql/move/move-mark.js';
import { SqlSession } from '../sql/sql-session.js';
import { type LeasedConnection } from './leased-connection.js';
import { isMariaDb, MysqlPool } from './mysql-pool.js';
import { type MysqlSettings } from './mysql-settings.js';

/** How long one migrator waits for another one, ms. */
const PATIENCE_MS = 60_000;
/** One statement of a migration: a table that is rebuilt may take long, ms. */
const MIGRATION_MS = 10 * 60_000;

/** The oldest versions with CHECK constraints, SKIP LOCKED and INSERT … under the locks that the protocol takes. */
const OLDEST = { MariaDB: [10, 6, 0], MySQL: [8, 0, 16] } as const;

/** The server is there and can never be used; the message says why. */
export class UnusableDatabaseError extends Error {
  override readonly name = 'UnusableDatabaseError';
}

/** The schema is older than this version needs, and this process must not migrate it. */
export class SchemaBehindError extends Error {
  override readonly name = 'SchemaBehindError';
}

/**
 * Brings the schema up to date on a connection of its own; what `npm run migrate` does.
 *
 * @returns the names of the migrations that were run.
 * @throws DatabaseError, UnusableDatabaseError, StartupError, or what a migration throws.
 */
export async function migrate(settings: MysqlSettings): Promise<string[]> {
  const pool = await MysqlPool.connect(settings, 1);
  try {
    assertVersion(await pool.askVersion());
    return await migrateOn(pool);
  } finally {
    await pool.close();
  }
}

/**
 * Several processes may try at once. The connection that migrates holds the lock, so the lock ends with it: a process
 * that has lost the lock cannot migrate.
 */
export async function migrateOn(pool: MysqlPool, signal?: AbortSignal): Promise<string[]> {
  if ((await pendingMigrations(pool)).length === 0) return [];
  return pool.leased(async (lease) => {
    signal?.throwIfAborted();
    const abort = () => lease.giveUp();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await lock(lease);
      lease.allow(MIGRATION_MS);
      await lease.runner.query(
        isMariaDb(pool.version)
          ? 'SET SESSION max_statement_time = 0, SESSION lock_wait_timeout = 60'
          : 'SET SESSION max_execution_time = 0, SESSION lock_wait_timeout = 60',
      );
      const executor = new MigrationExecutor(pool.source, lease.runner);
      // MySQL commits every change of a table by itself, also inside a transaction.
      executor.transaction = 'none';
      return (await executor.executePendingMigrations()).map(({ name }) => name);
    } finally {
      signal?.removeEventListener('abort', abort);
      // This ends the lock, and session settings that no other work must have.
      lease.giveUp();
    }
  });
}

/** Reads only, so that a user who may not create tables can ask. */
export function pendingMigrations(pool: MysqlPool): Promise<string[]> {
  return pool.exclusive(async (runner) => {
    const pending = await new MigrationExecutor(pool.source, runner).getPendingMigrations();
    return pending.map(({ name }) => name);
  });
}

/** @throws SchemaBehindError when migrations are missing. */
export async function assertMigrated(pool: MysqlPool): Promise<void> {
  const pending = await pendingMigrations(pool);
  if (pending.length === 0) return;
  throw new SchemaBehindError(`the schema is behind by ${pending.join(', ')}: run npm run migrate`);
}

/**
 * Call it before a service works on a database: the part of a move that is there lacks coupons that were issued.
 * @throws UnusableDatabaseError while the move of an embedded installation has not ended.
 */
export async function assertMoveEnded(pool: MysqlPool): Promise<void> {
  const mark = await pool.exclusive((runner) => readMark(new SqlSession(runner)));
  // mutant: half-moved-start
  if (mark === null || mark.state === 'MOVED') return;
  throw new UnusableDatabaseError(`it holds a part of ${mark.source}: repeat npm run move until it ends`);
}

/** @throws UnusableDatabaseError when the server is too old, or is none that we know. */
export function assertVersion(version: string): void {
  const product = isMariaDb(version) ? 'MariaDB' : 'MySQL';
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
      throw new UnusableDatabaseError(`${product} ${oldest.join('.')} or later is needed, this one is ${version}`);
    }
  }
}

/** Asks every second, so that a server that stops answering is noticed. */
async function lock({ runner }: LeasedConnection): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    // Locks belong to the server and not to the database, and their names have to be short.
    const [row] = (await runner.query(
      "SELECT GET_LOCK(CONCAT('coupon.migrations.', MD5(DATABASE())), 1) AS locked",
    )) as {
      locked: number | string | null;
    }[];
    if (Number(row?.locked) === 1) return;
    if (performance.now() > until) {
      const message = `another process has been migrating for more than ${PATIENCE_MS / 1_000} s`;
      throw new DatabaseError('infrastructure', 'MIGRATION_LOCK', message);
    }
  }
}
