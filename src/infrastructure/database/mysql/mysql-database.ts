import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type QueryRunner } from 'typeorm';
import { StartupError } from '../../../config/startup-error.js';
import { DatabaseError } from '../../../persistence/database-error.js';
import { Database, type UnitOfWork } from '../../../persistence/database.js';
import { SqlSession } from '../sql-session.js';
import { SqlUnitOfWork } from '../sql-unit-of-work.js';
import { assertMigrated, migrate, UnfitDatabaseError } from './mysql-migrator.js';
import { MysqlPool } from './mysql-pool.js';
import { type MysqlSettings } from './mysql-settings.js';

/** How long a start waits for a server that is there, ms; one that is not is joined later. */
const FIRST_CONNECTION_MS = 3_000;
const RETRY_MS = [100, 200, 500, 1_000];

/** READ COMMITTED is every session's level. */
const WRITING = ['START TRANSACTION'];
const READING_ONE_INSTANT = [
  'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
  'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
];

interface Pools {
  readonly writes: MysqlPool;
  readonly reads: MysqlPool;
}

/**
 * The database of the distributed profile: MySQL or MariaDB.
 *
 * The process starts without it and joins when it comes; until then, and until the schema is what this version needs,
 * every call is refused as `infrastructure`.
 */
export class MysqlDatabase extends Database implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('Database');
  private pools: Pools | null = null;
  private joining: Promise<void> = Promise.resolve();
  private stopped = false;
  private wake: () => void = () => undefined;
  private lastSaid = '';
  private reason = 'the database was not reached yet';

  /** @param migrateOnStart false where a deployment migrates by itself: an older schema is then waited for. */
  constructor(
    private readonly settings: MysqlSettings,
    private readonly migrateOnStart: boolean,
  ) {
    super();
  }

  /** @throws StartupError when a server is there that can never be used. */
  async onModuleInit(): Promise<void> {
    let unfit: string | null = null;
    this.joining = this.join((error) => (unfit ??= error.message));
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, FIRST_CONNECTION_MS)));
    await Promise.race([this.joining, patience]);
    clearTimeout(timer);
    if (unfit !== null) throw new StartupError(`DATABASE_URL: ${String(unfit)}`);
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.wake();
    await this.joining;
    await Promise.all([this.pools?.writes.close(), this.pools?.reads.close()]);
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

  private async on<T>(kind: keyof Pools, work: (pool: MysqlPool) => Promise<T>): Promise<T> {
    if (this.pools === null) throw new DatabaseError('infrastructure', 'NOT_JOINED', this.reason);
    return work(this.pools[kind]);
  }

  /** Tries until the schema is there. A server that is too old ends the first attempt for good. */
  private async join(refuse: (error: UnfitDatabaseError) => void): Promise<void> {
    for (let attempt = 0; !this.stopped; attempt++) {
      try {
        if (this.migrateOnStart) {
          const run = await migrate(this.settings);
          if (run.length > 0) this.logger.log(`migrated: ${run.join(', ')}`);
        } else {
          await assertMigrated(this.settings);
        }
        const { connections, readConnections } = this.settings;
        const writes = await MysqlPool.connect(this.settings, { size: connections, limited: true });
        const reads = await MysqlPool.connect(this.settings, { size: readConnections, limited: true });
        this.pools = { writes, reads };
        this.say('log', 'connected to the database');
        return;
      } catch (error) {
        this.reason = `the database cannot be used: ${(error as Error).message}`;
        this.say('warn', this.reason);
        if (attempt === 0 && error instanceof UnfitDatabaseError && this.migrateOnStart) {
          refuse(error);
          return;
        }
      }
      await this.rest(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 0);
    }
  }

  private async rest(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }

  /** Once, not with every attempt. */
  private say(level: 'log' | 'warn', text: string): void {
    if (text === this.lastSaid) return;
    this.lastSaid = text;
    this.logger[level](text);
  }
}

function unitOfWork(runner: QueryRunner): UnitOfWork {
  return new SqlUnitOfWork(new SqlSession(runner));
}
