import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type QueryRunner } from 'typeorm';
import { type Risk } from '../../platform/config/risks.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { systemTimers } from '../../platform/flow/timers.js';
import { DeadlineError, withDeadline } from '../../platform/flow/with-deadline.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Database, type UnitOfWork } from '../../ports/database/database.js';
import { type GateEpoch } from '../../ports/database/gate-row-store.js';
import { SqlSession } from '../sql/sql-session.js';
import { SqlUnitOfWork } from '../sql/sql-unit-of-work.js';
import { EpochConnection } from './epoch-connection.js';
import { readCommitSettings, unsyncedSettings } from './commit-durability.js';
import { type PoolName } from './mysql-data-source.js';
import {
  assertMigrated,
  assertMoveEnded,
  assertVersion,
  migrateOn,
  SchemaBehindError,
  UnusableDatabaseError,
} from './mysql-migrator.js';
import { isMariaDb, type MysqlPool } from './mysql-pool.js';
import { type MysqlPools } from './mysql-pools.js';

/** How long a start waits for the server, ms. The process joins a server that is away later. */
const FIRST_CONNECTION_MS = 3_000;
const RETRY_MS = [100, 200, 500, 1_000];

/** Every session has the level READ COMMITTED. */
const WRITING = ['START TRANSACTION'];
const READING_ONE_INSTANT = [
  'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
  'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
];

/**
 * The database of the distributed profile: MySQL or MariaDB.
 *
 * The process starts without it, and joins it when it is there. Until then, and until the schema is what this version
 * needs, every call is refused as `infrastructure`. Every statement has its deadline. An error of that kind ends the
 * unit of work: it sends nothing more on its transaction, and rejects with that error, also when its work has swallowed
 * it.
 */
export class MysqlDatabase extends Database implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private readonly stopping = new AbortController();
  private readonly epochs: EpochConnection;
  /** Connected, and the schema is what this version needs. */
  private serving = false;
  private joining: Promise<void> = Promise.resolve();
  private lastLogged = '';
  private reason = 'the database was not reached yet';

  /**
   * @param migrateOnStart false where a deployment migrates by itself: the process then waits while the schema is
   * older.
   * @param warnOfRisk is told what an operator may have chosen knowingly.
   */
  constructor(
    private readonly pools: MysqlPools,
    private readonly migrateOnStart: boolean,
    private readonly warnOfRisk: (risk: Risk, finding: string) => void = () => undefined,
  ) {
    super();
    this.epochs = new EpochConnection(pools.urgentReads);
  }

  /** @throws StartupError when a server is there that can never be used. */
  async onModuleInit(): Promise<void> {
    let refused: StartupError | null = null;
    this.joining = this.join((error) => (refused = error));
    await withDeadline(this.joining, FIRST_CONNECTION_MS, systemTimers).catch((error: unknown) => {
      if (!(error instanceof DeadlineError)) throw error;
    });
    if (refused !== null) throw refused;
  }

  /** Nest ends the data sources after this: their modules are global, and global ones end last. */
  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.joining;
  }

  transaction<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.on('writes', (pool) => pool.transaction(WRITING, (runner) => work(unitOfWork(runner))));
  }

  snapshot<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.on('writes', (pool) => pool.transaction(READING_ONE_INSTANT, (runner) => work(unitOfWork(runner))));
  }

  read<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.on('reads', (pool) => pool.exclusive((runner) => work(unitOfWork(runner))));
  }

  override readUrgently<T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> {
    return this.on('urgentReads', (pool) => pool.exclusive((runner) => work(unitOfWork(runner))));
  }

  override async readEpoch(): Promise<GateEpoch> {
    this.throwIfNotServing();
    return this.epochs.read();
  }

  private throwIfNotServing(): void {
    if (!this.serving) throw new DatabaseError('infrastructure', 'NOT_JOINED', this.reason);
  }

  private async on<T>(name: PoolName, work: (pool: MysqlPool) => Promise<T>): Promise<T> {
    this.throwIfNotServing();
    return work(this.pools[name]);
  }

  /** Tries until the schema is there. A server that can never be used ends the first attempt for good. */
  private async join(refuse: (error: StartupError) => void): Promise<void> {
    for (let attempt = 0; !this.stopping.signal.aborted; attempt++) {
      try {
        await this.pools.connect();
        const { writes, reads } = this.pools;
        assertVersion(await writes.askVersion());
        if (this.migrateOnStart) {
          const run = await migrateOn(writes, this.stopping.signal);
          if (run.length > 0) this.logger.log(`migrated: ${run.join(', ')}`);
        } else {
          await assertMigrated(writes);
        }
        await assertMoveEnded(writes);
        this.serving = true;
        this.logOnce('log', `connected to the database (${writes.version})`);
        // The database serves, also when it does not show its settings.
        await this.warnOfUnsyncedCommit(reads).catch(() => undefined);
        return;
      } catch (error) {
        this.reason = `the database cannot be used: ${(error as Error).message}`;
        if (attempt === 0 && (error instanceof UnusableDatabaseError || error instanceof StartupError)) {
          return refuse(error instanceof StartupError ? error : new StartupError(`DATABASE_URL: ${error.message}`));
        }
        if (error instanceof UnusableDatabaseError) {
          this.logOnce('error', `DATABASE_URL: ${error.message}`);
          this.pools.dropConnections();
        } else {
          this.logOnce(error instanceof SchemaBehindError ? 'error' : 'warn', this.reason);
        }
      }
      await systemTimers.sleep(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 0, this.stopping.signal);
    }
  }

  private async warnOfUnsyncedCommit(pool: MysqlPool): Promise<void> {
    const unsynced = unsyncedSettings(await pool.exclusive(readCommitSettings), isMariaDb(pool.version));
    if (unsynced.length === 0) return;
    const finding = `the database answers a commit before the disk has it (${unsynced.join(', ')}): a power cut there loses coupons that were issued`;
    this.warnOfRisk('unsynced-commit', finding);
  }

  /** Logs a text once, not with every attempt. */
  private logOnce(level: 'log' | 'warn' | 'error', text: string): void {
    if (text === this.lastLogged) return;
    this.lastLogged = text;
    this.logger[level](text);
  }
}

function unitOfWork(runner: QueryRunner): UnitOfWork {
  return new SqlUnitOfWork(new SqlSession(runner));
}
