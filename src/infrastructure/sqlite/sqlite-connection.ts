import { constants, copyFile, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type DataSource, type QueryRunner } from 'typeorm';
import { prepareDataDirectory, warnOfWideDirectory } from '../../platform/config/data-directory.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { classifyDatabaseError, classifyRefusedCommit } from '../sql/classify-database-error.js';
import { DiskSync } from './disk-sync.js';
import { SQLITE_FILE, type SqliteDataSource } from './sqlite-data-source.js';
import { makePrivate } from './sqlite-file.js';
import { WatchedMutex } from './watched-mutex.js';

/** The file's write-ahead log. */
export const LOG_FILE = `${SQLITE_FILE}-wal`;

/**
 * The log is written back into the file when it has so many pages, 16 MB, four times the usual size: a page that has
 * changed often meanwhile is written once, and each of these writings stops the event loop for its syncs.
 */
const CHECKPOINT_PAGES = 4_000;

export interface SqliteTransactionOptions {
  /**
   * False for what may be lost together with everything after it when the power fails: the caller then does not wait
   * for the disk. Never for anything that is promised or shown to somebody.
   */
  readonly durable?: boolean;
}

/** What tests take the place of: brings to the disk whatever was written to the log. */
export type Flush = (log: FileHandle) => Promise<void>;

export const datasync: Flush = (log) => log.datasync();

/**
 * The one connection to the one file, and the mutex around it.
 *
 * TypeORM's SQLite drivers share a connection, so a statement that runs beside an open transaction joins it and
 * vanishes with its rollback. Therefore every unit of work, the journal's group commit and plain reads included, takes
 * its turn here. Nobody is told anything, not even what a read has found, before every commit that it may rest on is on
 * the disk; that is waited for outside the mutex, so the next unit of work goes on meanwhile. The file's exclusive lock is held for as long as the process lives: that is what refuses a second
 * instance, also after a kill -9 left files behind.
 */
export class SqliteConnection {
  private readonly mutex = new WatchedMutex();
  /** Never rejects; set while the files are copied. */
  private copying: Promise<void> | null = null;

  private readonly disk: DiskSync;

  private constructor(
    private readonly dataSource: SqliteDataSource,
    private readonly runner: QueryRunner,
    private readonly logFile: FileHandle,
    flush: Flush,
    onFatal: (reason: string) => void,
  ) {
    this.disk = new DiskSync(() => flush(logFile), onFatal);
    const query = runner.query.bind(runner) as (...call: unknown[]) => Promise<unknown>;
    const watched = async (sql: string, parameters: unknown[] = [], structured?: boolean): Promise<unknown> => {
      this.mutex.noteActivity();
      try {
        // As one array: a single parameter that is null or a Buffer, spread, is taken by libsql for a set of named
        // parameters, and its native code then ends the process.
        return await query(sql, parameters.length === 0 ? parameters : [parameters], structured);
      } catch (error) {
        // Here, and not only at the edge: work that goes on after a refusal has to know what was refused.
        throw classifyDatabaseError(error);
      }
    };
    runner.query = watched as QueryRunner['query'];
    dataSource.beforeClosing(() => this.end());
  }

  /**
   * Opens, locks and migrates the file. Nest ends the connection with the data source.
   * @param onFatal is called once, with the reason, when this process can promise nothing more; it should end it within
   * seconds.
   * @throws StartupError when the directory cannot be written, or another process holds the file.
   */
  static async open(
    dataSource: SqliteDataSource,
    flush: Flush = datasync,
    onFatal: (reason: string) => void = () => undefined,
  ): Promise<SqliteConnection> {
    const { directory } = dataSource;
    prepareDataDirectory(directory);
    warnOfWideDirectory(directory);
    makePrivate(join(directory, SQLITE_FILE));
    try {
      await dataSource.initialize();
      await dataSource.runMigrations({ transaction: 'each' });
    } catch (error) {
      if (/SQLITE_BUSY|database is locked/.test(`${(error as { code?: string }).code} ${String(error)}`)) {
        throw new StartupError(`DATA_DIR ${directory} is in use by another instance; embedded runs exactly one`);
      }
      throw new StartupError(`DATA_DIR ${directory}: ${SQLITE_FILE} cannot be opened: ${(error as Error).message}`);
    }
    // From here on a commit returns when it is in the write-ahead log, and the log is synced by `DiskSync`. SQLite itself
    // still syncs around every checkpoint, so the log is never reused before its pages are safe.
    driverConnection(dataSource).exec('PRAGMA synchronous = NORMAL');
    checkpointEvery(dataSource, CHECKPOINT_PAGES);
    const log = await open(join(directory, LOG_FILE), 'r+');
    return new SqliteConnection(dataSource, dataSource.createQueryRunner(), log, flush, onFatal);
  }

  /** A sync of the disk has failed: everything is refused until the file is opened by another process. */
  get failed(): boolean {
    return this.disk.failed;
  }

  /**
   * Runs `work` alone on the connection, in the order of the calls.
   *
   * A unit of work that starts another one and awaits it would wait for itself: it is refused after a second, like
   * everybody else who waits behind one that is stuck. (AsyncLocalStorage would tell at once, but makes every promise
   * of the process dearer.)
   * @throws DatabaseError, or what `work` throws.
   */
  async exclusive<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    this.disk.throwIfFailed();
    const result = await this.alone(work);
    await this.disk.settled();
    return result;
  }

  /** `exclusive` in a transaction that takes the write lock at once. */
  async transaction<T>(
    work: (runner: QueryRunner) => Promise<T>,
    { durable = true }: SqliteTransactionOptions = {},
  ): Promise<T> {
    this.disk.throwIfFailed();
    const result = await this.alone(async (runner) => {
      const found = await inTransaction(runner, work);
      // After a power cut the file is a prefix of its history: what is not synced now, the next sync takes with it.
      if (durable) this.disk.noteCommit();
      return found;
    });
    if (durable) await this.disk.settled();
    return result;
  }

  /**
   * Copies the file and its write-ahead log into `directory`, which has neither. Work goes on meanwhile.
   *
   * The copies hold every commit that had returned at the time of the call. Until the copy ends, nothing is written back
   * into the file, so it does not change, and commits are only added to the log. SQLite reads a log up to its last whole
   * commit: wherever the copy of the log ends, the two copies are the state after some commit.
   */
  async copyTo(directory: string): Promise<void> {
    if (this.copying !== null) throw new Error('the files are being copied already');
    const copied = this.copyFiles(directory);
    this.copying = copied.then(
      () => undefined,
      () => undefined,
    );
    try {
      await copied;
    } finally {
      this.copying = null;
    }
  }

  private async copyFiles(directory: string): Promise<void> {
    await this.alone(async () => {
      checkpointEvery(this.dataSource, 0);
      // A log whose content is in the file already begins from its start with the next commit: with this one, and not
      // under the copier's eyes.
      addCommit(this.dataSource);
    });
    try {
      // The file before its log: what the log holds may rest on every page of the file.
      for (const name of [SQLITE_FILE, LOG_FILE]) {
        await copyFile(join(this.dataSource.directory, name), join(directory, name), constants.COPYFILE_FICLONE);
      }
    } finally {
      // Without a turn of its own: those who wait for one may be refused, and the log would grow from then on.
      checkpointEvery(this.dataSource, CHECKPOINT_PAGES);
    }
  }

  private async end(): Promise<void> {
    await this.mutex.close(async () => {
      // The end writes the log back into the file.
      await this.copying;
      await this.disk.settled().catch(() => undefined);
      await this.logFile.close();
      this.unlock();
    });
  }

  private async alone<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    try {
      return await this.mutex.alone(() => work(this.runner));
    } catch (error) {
      throw classifyDatabaseError(error);
    }
  }

  /**
   * Closing alone keeps the lock until the garbage collector has found every prepared statement, and so would refuse
   * whoever opens the file next in this process. The way out of the exclusive mode leads through leaving WAL.
   */
  private unlock(): void {
    const connection = driverConnection(this.dataSource);
    try {
      for (const pragma of ['journal_mode = DELETE', 'locking_mode = NORMAL']) connection.exec(`PRAGMA ${pragma}`);
      connection.exec('SELECT COUNT(*) FROM gate');
    } catch {
      // A disk that refuses even this keeps the lock until the process ends, and everything committed with it.
    }
  }
}

/** @param pages of the log after which it is written back into the file; 0: not until this is set again. */
function checkpointEvery(dataSource: DataSource, pages: number): void {
  driverConnection(dataSource).exec(`PRAGMA wal_autocheckpoint = ${pages}`);
}

/** A commit that changes nothing but a number in the file's header. */
function addCommit(dataSource: DataSource): void {
  const connection = driverConnection(dataSource);
  const [{ user_version: number }] = connection.prepare('PRAGMA user_version').all() as [{ user_version: number }];
  connection.exec(`PRAGMA user_version = ${(number + 1) % 2 ** 31}`);
}

interface DriverConnection {
  exec(sql: string): void;
  prepare(sql: string): { all(): unknown[] };
}

function driverConnection({ driver }: DataSource): DriverConnection {
  return (driver as unknown as { databaseConnection: DriverConnection }).databaseConnection;
}

async function inTransaction<T>(runner: QueryRunner, work: (runner: QueryRunner) => Promise<T>): Promise<T> {
  await runner.query('BEGIN IMMEDIATE');
  try {
    const result = await work(runner);
    try {
      await runner.query('COMMIT');
    } catch (error) {
      throw classifyRefusedCommit(error);
    }
    return result;
  } catch (error) {
    // A full disk may have rolled back already; then there is nothing to undo.
    await runner.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
