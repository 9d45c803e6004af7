import mysql, { type Connection, type PoolConnection } from 'mysql2';
import { DataSource, type QueryRunner } from 'typeorm';
import { DatabaseError } from '../../../persistence/database-error.js';
import { classifyDatabaseError } from '../classify-database-error.js';
import { SCHEMA } from '../schema.js';
import { type MysqlSettings } from './mysql-settings.js';

/** What a pool does with its connections. */
export interface PoolOptions {
  readonly size: number;
  /** False for migrations: they may take long, and wait for locks. */
  readonly limited: boolean;
}

/**
 * A pool of connections with a limit for everything that is asked of them.
 *
 * A statement that does not come back in time costs its connection: a ROLLBACK on a server that does not answer would be
 * waited for as long as the statement itself, and a connection that goes back into the pool with an open transaction
 * would do its next user's work inside of it.
 */
export class MysqlPool {
  private closed = false;

  private constructor(
    private readonly dataSource: DataSource,
    private readonly callMs: number,
  ) {}

  /** @throws DatabaseError `infrastructure`, whatever the reason: nothing was asked of the server yet. */
  static async connect(settings: MysqlSettings, { size, limited }: PoolOptions): Promise<MysqlPool> {
    const dataSource = new DataSource({
      type: 'mysql',
      driver: { ...mysql, createPool: (options: object) => createPool(settings, limited, options) },
      url: settings.url,
      poolSize: size,
      connectTimeout: settings.connectMs,
      charset: 'utf8mb4',
      timezone: 'Z',
      supportBigNumbers: true,
      ...(settings.ssl ? { ssl: { rejectUnauthorized: true } } : {}),
      extra: {
        // The server ends a session that is silent; what is idle is given up before that.
        maxIdle: limited ? Math.max(0, size - 1) : size,
        idleTimeout: (settings.waitTimeoutS * 1_000) / 2,
        enableKeepAlive: true,
      },
      ...SCHEMA,
    });
    try {
      await dataSource.initialize();
    } catch (error) {
      throw asInfrastructure(error);
    }
    return new MysqlPool(dataSource, settings.callMs);
  }

  get source(): DataSource {
    return this.dataSource;
  }

  /**
   * Runs `work` on a connection of its own.
   * @throws DatabaseError, or what `work` throws.
   */
  async exclusive<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    const lease = await this.lease();
    try {
      return await work(lease.runner);
    } catch (error) {
      throw classifyDatabaseError(error);
    } finally {
      await lease.runner.release();
    }
  }

  /** `exclusive` between `begin` and COMMIT. */
  transaction<T>(begin: readonly string[], work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.exclusive(async (runner) => {
      let result: T;
      try {
        for (const statement of begin) await runner.query(statement);
        result = await work(runner);
      } catch (error) {
        // A connection that was given up has been rolled back by the server; one that cannot roll back is given up.
        await runner.query('ROLLBACK').catch(() => (runner as LimitedRunner).giveUp());
        throw error;
      }
      try {
        await runner.query('COMMIT');
      } catch (error) {
        // Nobody knows whether it is committed. The connection must not go on in either case.
        (runner as LimitedRunner).giveUp();
        throw error;
      }
      return result;
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    // A server that does not answer would keep the goodbye waiting.
    await Promise.race([
      this.dataSource.destroy().catch(() => undefined),
      new Promise<void>((resolve) => setTimeout(resolve, this.callMs / 5).unref()),
    ]);
  }

  private async lease(): Promise<{ runner: LimitedRunner }> {
    if (this.closed) throw new DatabaseError('infrastructure', 'POOL_CLOSED', 'the database connections are closed');
    const runner = this.dataSource.createQueryRunner();
    const connecting = runner.connect() as Promise<PoolConnection>;
    let connection: PoolConnection;
    try {
      connection = await within(this.callMs, connecting, 'POOL_TIMEOUT', 'no connection to the database came free');
    } catch (error) {
      // One that comes after all goes back; nobody waits for it any more.
      connecting.then(
        () => runner.release(),
        () => undefined,
      );
      throw asInfrastructure(error);
    }
    return { runner: limit(runner, connection, this.callMs) };
  }
}

/** A runner whose statements have a deadline. */
type LimitedRunner = QueryRunner & {
  /** Ends the connection at once, whatever is under way on it. */
  giveUp(): void;
};

function limit(runner: QueryRunner, connection: PoolConnection, callMs: number): LimitedRunner {
  const limited = runner as LimitedRunner;
  const query = runner.query.bind(runner) as (...call: unknown[]) => Promise<unknown>;
  let givenUp = false;
  limited.giveUp = () => {
    if (givenUp) return;
    givenUp = true;
    // `destroy` of mysql2 says goodbye and waits for the answer.
    (connection as unknown as { stream: { destroy(): void } }).stream.destroy();
    connection.destroy();
  };
  const watched = async (...call: unknown[]): Promise<unknown> => {
    if (givenUp) throw new DatabaseError('infrastructure', 'CONNECTION_GIVEN_UP', 'the connection was given up');
    try {
      return await within(callMs, query(...call), 'CALL_TIMEOUT', 'the database did not answer');
    } catch (error) {
      const classified = classifyDatabaseError(error);
      if (classified instanceof DatabaseError && classified.code === 'CALL_TIMEOUT') limited.giveUp();
      // Here, and not only at the edge: work that goes on after a refusal has to know what was refused.
      throw classified;
    }
  };
  limited.query = watched as QueryRunner['query'];
  return limited;
}

function createPool(settings: MysqlSettings, limited: boolean, options: object): mysql.Pool {
  const pool = mysql.createPool(options);
  if (limited) pool.on('connection', (connection) => prepareSession(connection, settings));
  return pool;
}

/** Statements of one connection keep their order, so this one is before whatever its first user asks. */
function prepareSession(connection: Connection, { waitTimeoutS }: MysqlSettings): void {
  const settings = [
    "time_zone = '+00:00'",
    `wait_timeout = ${waitTimeoutS}`,
    'innodb_lock_wait_timeout = 3',
    "sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
  ];
  const failed = (error: unknown) => {
    // A session without its settings must not be used: it would wait 50 s for a lock.
    if (error) connection.destroy();
  };
  connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED', failed);
  connection.query(`SET SESSION ${settings.join(', SESSION ')}`, failed);
}

async function within<T>(ms: number, work: Promise<T>, code: string, message: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DatabaseError('infrastructure', code, `${message} within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Why there is no connection does not matter to whoever needs one: a refused password may be accepted later. */
function asInfrastructure(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const { code, message } = error as { code?: string; message?: string };
  return new DatabaseError('infrastructure', code ?? 'CONNECT', message ?? String(error), { cause: error });
}
