import { AsyncLocalStorage } from 'node:async_hooks';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type OnApplicationShutdown } from '@nestjs/common';
import libsql from 'libsql';
import { DataSource, type QueryRunner } from 'typeorm';
import { StartupError } from '../../config/startup-error.js';
import { classifyDatabaseError } from '../database/classify-database-error.js';
import { SCHEMA } from '../database/schema.js';

/** The file that holds everything: coupons, failed events, the gate row and the journal. */
export const SQLITE_FILE = 'coupon.sqlite';

/**
 * The one connection to the one file, and the mutex around it.
 *
 * TypeORM's SQLite drivers share a connection, so a statement that runs beside an open transaction joins it and
 * vanishes with its rollback. Therefore every unit of work, the journal's group commit and plain reads included, takes
 * its turn here. The file's exclusive lock is held for as long as the process lives: that is what refuses a second
 * instance, also after a kill -9 left files behind.
 */
export class SqliteConnection implements OnApplicationShutdown {
  private tail: Promise<unknown> = Promise.resolve();
  private readonly inside = new AsyncLocalStorage<true>();

  private constructor(
    private readonly dataSource: DataSource,
    private readonly runner: QueryRunner,
  ) {}

  /**
   * Opens, locks and migrates the file.
   * @throws StartupError when the directory cannot be written, or another process holds the file.
   */
  static async open(directory: string): Promise<SqliteConnection> {
    try {
      mkdirSync(directory, { recursive: true });
      accessSync(directory, constants.R_OK | constants.W_OK);
    } catch (error) {
      throw new StartupError(`DATA_DIR ${directory} cannot be written: ${(error as Error).message}`);
    }
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
    if (this.inside.getStore() === true) {
      throw new Error('a unit of work was started inside another one: it would wait for itself for ever');
    }
    const turn = this.tail.then(() => this.inside.run(true, () => work(this.runner)));
    this.tail = turn.catch(() => undefined);
    try {
      return await turn;
    } catch (error) {
      throw classifyDatabaseError(error);
    }
  }

  /** `exclusive` in a transaction that takes the write lock at once. */
  transaction<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.exclusive(async (runner) => {
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
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.exclusive(async () => undefined);
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}
