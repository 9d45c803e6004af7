import { constants, copyFile, type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type DataSource, type QueryRunner } from 'typeorm';
import { prepareDataDirectory, warnOfWideDirectory } from '../../platform/config/data-directory.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { TurnBudget } from '../../platform/flow/turn-budget.js';
import { classifyDatabaseError, classifyRefusedCommit } from '../sql/classify-database-error.js';
import { DiskSync } from './disk-sync.js';
import { SQLITE_FILE, type SqliteDataSource } from './sqlite-data-source.js';
import { makePrivate } from './sqlite-file.js';
import { WatchedMutex } from './watched-mutex.js';

/** The file's write-ahead log. */
export const LOG_FILE = `${SQLITE_FILE}-wal`;

/**
 * SQLite writes the log back into the file when it has this many pages: 16 MB, four times the default. Each time stops
 * the event loop for its syncs, and writes a page that has changed often since the last time only once.
 */
const CHECKPOINT_PAGES = 4_000;

/** Statements of one turn of the event loop, ms; the last one may take longer. */
const TURN_MS = 8;

export interface SqliteTransactionOptions {
  /**
   * False: the caller does not wait for the disk, and a power cut may take this transaction back, with everything after
   * it. Never for anything that is promised or shown to a caller.
   */
  readonly durable?: boolean;
}

/** Another process holds the file. */
export class FileInUseError extends StartupError {}

/** Brings what was written to the log to the disk. Tests replace it. */
export type Flush = (log: FileHandle) => Promise<void>;

export const datasync: Flush = (log) => log.datasync();

/**
 * The one connection to the one file.
 *
 * TypeORM's SQLite drivers share a connection, so a statement that runs beside an open transaction joins it and
 * vanishes with its rollback. Therefore all units of work take turns here, also the journal's group commits and plain
 * reads.
 *
 * No caller gets a result, not even of a read, before every commit that it may rest on is on the disk. That wait is
 * outside the mutex, so the next unit of work runs in the same time.
 *
 * The process holds the file's exclusive lock while it lives. That refuses a second instance, also after a kill -9 left
 * files behind.
 */
export class SqliteConnection {
  private readonly mutex = new WatchedMutex();
  /** Never rejects; set while the files are copied. */
  private copying: Promise<void> | null = null;

  private readonly disk: DiskSync;
  private readonly turn = new TurnBudget(TURN_MS);

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
      // The driver answers within the call: without this, no socket is read until a series of statements has ended.
      // mutant: no-turn
      await this.turn.giveWay();
      this.mutex.noteActivity();
      try {
        // One array: libsql takes a single spread parameter that is null or a Buffer for a set of named parameters, and
        // its native code then ends the process.
        return await query(sql, parameters.length === 0 ? parameters : [parameters], structured);
      } catch (error) {
        // The error is classified here and not only at the edge: work that goes on after a refusal has to know what was
        // refused.
        throw classifyDatabaseError(error);
      }
    };
    runner.query = watched as QueryRunner['query'];
    dataSource.beforeClosing(() => this.end());
  }

  /**
   * Opens, locks and migrates the file. Nest ends the connection with the data source.
   * @param onFatal is called once, with the reason, when this process can promise nothing more. It should end the
   * process within seconds.
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
        throw new FileInUseError(`DATA_DIR ${directory} is in use by another instance; embedded runs exactly one`);
      }
      throw new StartupError(`DATA_DIR ${directory}: ${SQLITE_FILE} cannot be opened: ${(error as Error).message}`);
    }
    // From here on a commit returns when it is in the write-ahead log, and `DiskSync` syncs the log. SQLite itself
    // still syncs around every checkpoint, so it never reuses the log before its pages are safe.
    driverConnection(dataSource).exec('PRAGMA synchronous = NORMAL');
    checkpointEvery(dataSource, CHECKPOINT_PAGES);
    const log = await open(join(directory, LOG_FILE), 'r+');
    return new SqliteConnection(dataSource, dataSource.createQueryRunner(), log, flush, onFatal);
  }

  /** A sync of the disk has failed: everything is refused until another process opens the file. */
  get failed(): boolean {
    return this.disk.failed;
  }

  /**
   * Runs `work` alone on the connection, in the order of the calls.
   *
   * A unit of work that awaits another one that it started would wait for itself. The inner one is refused after a
   * second, like all that wait behind one that is stuck. (AsyncLocalStorage would notice at once, but makes every
   * promise of the process slower.)
   * @throws DatabaseError, or what `work` throws.
   */
  async exclusive<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    this.disk.throwIfFailed();
    const result = await this.alone(work);
    await this.disk.waitUntilSynced();
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
      // After a power cut the file is a prefix of its history: the next sync also brings what is not synced now.
      if (durable) this.disk.noteCommit();
      return found;
    });
    if (durable) await this.disk.waitUntilSynced();
    return result;
  }

  /**
   * Copies the file and its write-ahead log into `directory`, which has neither. Units of work go on during the copy.
   *
   * The copies hold every commit that had returned at the time of the call. Until the copy ends, SQLite writes nothing
   * back into the file, so the file does not change, and commits are only added to the log. SQLite reads a log up to
   * its last whole commit: wherever the copy of the log ends, the two copies are the state after some commit.
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
      // When the file has all of the log already, SQLite begins the log from its start with the next commit. This
      // commit makes that happen now, and not during the copy.
      addCommit(this.dataSource);
    });
    try {
      // The file comes before its log: what the log holds may rest on every page of the file.
      for (const name of [SQLITE_FILE, LOG_FILE]) {
        await copyFile(join(this.dataSource.directory, name), join(directory, name), constants.COPYFILE_FICLONE);
      }
    } finally {
      // This takes no turn: a turn may be refused, and the log would grow from then on.
      checkpointEvery(this.dataSource, CHECKPOINT_PAGES);
    }
  }

  private async end(): Promise<void> {
    await this.mutex.close(async () => {
      // Closing writes the log back into the file.
      await this.copying;
      await this.disk.waitUntilSynced().catch(() => undefined);
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
   * A plain close keeps the lock until the garbage collector has found every prepared statement. The next open of the
   * file in this process would be refused. SQLite leaves the exclusive mode only after it has left WAL.
   */
  private unlock(): void {
    const connection = driverConnection(this.dataSource);
    try {
      for (const pragma of ['journal_mode = DELETE', 'locking_mode = NORMAL']) connection.exec(`PRAGMA ${pragma}`);
      connection.exec('SELECT COUNT(*) FROM gate');
    } catch {
      // When the disk refuses even this, the lock stays until the process ends. What is committed stays committed.
    }
  }
}

/** @param pages of the log after which it is written back into the file; 0: not until this is set again. */
function checkpointEvery(dataSource: DataSource, pages: number): void {
  driverConnection(dataSource).exec(`PRAGMA wal_autocheckpoint = ${pages}`);
}

/** Commits a change of nothing but a number in the file's header. */
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
