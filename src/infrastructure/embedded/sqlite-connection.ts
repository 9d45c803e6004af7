import { join } from 'node:path';
import { type OnApplicationShutdown } from '@nestjs/common';
import libsql from 'libsql';
import { DataSource, type QueryRunner } from 'typeorm';
import { prepareDataDirectory } from '../../config/data-directory.js';
import { StartupError } from '../../config/startup-error.js';
import { withDeadline } from '../../events/with-deadline.js';
import { DatabaseError } from '../../persistence/database-error.js';
import { classifyDatabaseError } from '../database/classify-database-error.js';
import { SCHEMA } from '../database/schema.js';

/** The file that holds everything: coupons, failed events, the gate row and the journal. */
export const SQLITE_FILE = 'coupon.sqlite';

/** How long a unit of work waits for its turn, ms. */
const TURN_DEADLINE_MS = 5_000;

/**
 * The one connection to the one file, and the mutex around it.
 *
 * TypeORM's SQLite drivers share a connection, so a statement that runs beside an open transaction joins it and
 * vanishes with its rollback. Therefore every unit of work, the journal's group commit and plain reads included, takes
 * its turn here. The file's exclusive lock is held for as long as the process lives: that is what refuses a second
 * instance, also after a kill -9 left files behind.
 */
export class SqliteConnection implements OnApplicationShutdown {
  private tail: Promise<void> = Promise.resolve();

  private constructor(
    private readonly dataSource: DataSource,
    private readonly runner: QueryRunner,
  ) {}

  /**
   * Opens, locks and migrates the file.
   * @throws StartupError when the directory cannot be written, or another process holds the file.
   */
  static async open(directory: string): Promise<SqliteConnection> {
    prepareDataDirectory(directory);
    const dataSource = new DataSource({
      type: 'better-sqlite3',
      driver: libsql,
      database: join(directory, SQLITE_FILE),
      // A second connection would only block the event loop while it waits: fail at once instead.
      timeout: 0,
      prepareDatabase: (database: { pragma(source: string): unknown }) => {
        database.pragma('locking_mode = EXCLUSIVE');
        database.pragma('journal_mode = WAL');
        // A commit has reached the disk when it returns: the whole promise of a 202 rests on it.
        database.pragma('synchronous = FULL');
      },
      ...SCHEMA,
    });
    try {
      await dataSource.initialize();
      await dataSource.runMigrations({ transaction: 'each' });
    } catch (error) {
      if (/SQLITE_BUSY|database is locked/.test(`${(error as { code?: string }).code} ${String(error)}`)) {
        throw new StartupError(`DATA_DIR ${directory} is in use by another instance; embedded runs exactly one`);
      }
      throw new StartupError(`DATA_DIR ${directory}: ${SQLITE_FILE} cannot be opened: ${(error as Error).message}`);
    }
    return new SqliteConnection(dataSource, dataSource.createQueryRunner());
  }

  /**
   * Runs `work` alone on the connection, in the order of the calls.
   * @throws DatabaseError, or what `work` throws.
   */
  async exclusive<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    const before = this.tail;
    let done: () => void = () => undefined;
    this.tail = new Promise<void>((resolve) => (done = resolve));
    try {
      await this.turn(before);
      return await work(this.runner);
    } catch (error) {
      throw classifyDatabaseError(error);
    } finally {
      // Whoever gave up waiting passes the turn on only when it would have been its own.
      void before.then(done);
    }
  }

  private async turn(before: Promise<void>): Promise<void> {
    try {
      await withDeadline(before, TURN_DEADLINE_MS);
    } catch {
      throw new DatabaseError(
        'infrastructure',
        'NO_TURN',
        `the database was not free for ${TURN_DEADLINE_MS} ms; a unit of work started inside another one waits for itself`,
      );
    }
  }

  /**
   * `exclusive` in a transaction that need not be on disk when this returns: it is there with the next transaction that
   * is, and never before an earlier one, since both are frames of one write-ahead log. For what is merely a shortcut.
   */
  relaxedTransaction<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.exclusive(async (runner) => {
      await runner.query('PRAGMA synchronous = NORMAL');
      try {
        return await inTransaction(runner, work);
      } finally {
        await runner.query('PRAGMA synchronous = FULL');
      }
    });
  }

  /** `exclusive` in a transaction that takes the write lock at once, and is on disk when this returns. */
  transaction<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.exclusive((runner) => inTransaction(runner, work));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.exclusive(async () => undefined);
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}

async function inTransaction<T>(runner: QueryRunner, work: (runner: QueryRunner) => Promise<T>): Promise<T> {
  await runner.query('BEGIN IMMEDIATE');
  try {
    const result = await work(runner);
    await runner.query('COMMIT');
    return result;
  } catch (error) {
    // A full disk may have rolled back already; then there is nothing to undo.
    await runner.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
