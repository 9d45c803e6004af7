import { type PoolConnection } from 'mysql2';
import { type QueryRunner } from 'typeorm';
import { DatabaseError } from '../../ports/database/database-error.js';
import { classifyDatabaseError } from '../sql/classify-database-error.js';
import { LeasedConnection, withDeadline } from './leased-connection.js';
import { asInfrastructure, MysqlDataSource } from './mysql-data-source.js';
import { MysqlOutage } from './mysql-outage.js';
import { type MysqlSettings } from './mysql-settings.js';

/** A connection that was idle for longer is asked whether its server is still there before it is used, ms. */
const TRUSTED_IDLE_MS = 500;
/** The server gives a call up this much later than its caller, ms. A statement without a caller must not run on. */
const AFTERMATH_MS = 1_000;

const POOL_TIMEOUT = 'POOL_TIMEOUT';

/** A pool of connections with a limit for everything that is asked of them. */
export class MysqlPool {
  private readonly prepared = new WeakSet<PoolConnection>();
  private readonly idleSince = new WeakMap<PoolConnection, number>();
  private serverVersion = '';

  constructor(
    readonly source: MysqlDataSource,
    private readonly outage: MysqlOutage,
  ) {}

  /** A pool for a command that Nest does not run; the caller closes it. @throws DatabaseError, StartupError */
  static async connect(settings: MysqlSettings, size: number): Promise<MysqlPool> {
    return new MysqlPool(await new MysqlDataSource(settings, size).initialize(), new MysqlOutage());
  }

  /** What the server of the newest connection says of itself, as `10.11.6-MariaDB`; empty before the first. */
  get version(): string {
    return this.serverVersion;
  }

  /** {@link version}, from a connection that is there now. @throws DatabaseError */
  async askVersion(): Promise<string> {
    await this.leased(() => Promise.resolve());
    return this.version;
  }

  /**
   * Runs `work` on a connection of its own.
   * @throws DatabaseError, or what `work` throws.
   */
  exclusive<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.leased((lease) => work(lease.runner));
  }

  /** `exclusive` between `begin` and COMMIT. */
  transaction<T>(begin: readonly string[], work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.leased((lease) => lease.transaction(begin, () => work(lease.runner)));
  }

  async leased<T>(work: (lease: LeasedConnection) => Promise<T>): Promise<T> {
    const lease = await this.lease();
    try {
      return await work(lease);
    } catch (error) {
      throw classifyDatabaseError(error);
    } finally {
      this.idleSince.set(lease.connection, Date.now());
      await lease.release();
    }
  }

  /** A connection that is made now, for a caller that keeps it and ends it. @throws DatabaseError */
  leaseNew(): Promise<LeasedConnection> {
    return this.lease(true);
  }

  close(): Promise<void> {
    return this.source.destroy();
  }

  private async lease(onlyNew = false): Promise<LeasedConnection> {
    const until = performance.now() + this.source.settings.callMs;
    for (;;) {
      if (!this.source.isOpen) {
        throw new DatabaseError('infrastructure', 'POOL_CLOSED', 'the database connections are closed');
      }
      this.outage.throwIfTooEarly();
      const runner = this.source.createQueryRunner();
      const connection = await this.connectionOf(runner, until);
      const lease = new LeasedConnection(runner, connection, this.source.settings.callMs, until - performance.now());
      if (onlyNew && this.prepared.has(connection)) {
        lease.giveUp();
        continue;
      }
      try {
        const alive = await this.prepare(lease, until);
        if (alive) {
          this.outage.reached();
          return lease;
        }
      } catch (error) {
        const refused = asInfrastructure(error);
        lease.giveUp(refused);
        this.outage.missed(refused);
        throw refused;
      }
    }
  }

  private async connectionOf(runner: QueryRunner, until: number): Promise<PoolConnection> {
    const connecting = runner.connect() as Promise<PoolConnection>;
    try {
      const patienceMs = until - performance.now();
      return await withDeadline(patienceMs, connecting, POOL_TIMEOUT, 'no connection to the database came free');
    } catch (error) {
      // A connection that comes later goes back to the pool.
      connecting.then(
        () => runner.release(),
        () => undefined,
      );
      const refused = asInfrastructure(error);
      if (refused.code !== POOL_TIMEOUT) this.outage.missed(refused);
      throw refused;
    }
  }

  /**
   * Prepares a new connection, and checks one that was idle. False when the server has ended an idle one: that is no
   * reason to refuse a caller.
   */
  private async prepare(lease: LeasedConnection, until: number): Promise<boolean> {
    const { connection, runner } = lease;
    if (!this.prepared.has(connection)) {
      // Each new connection is asked: the same address may lead to another server now.
      const [row] = (await runner.query('SELECT VERSION() AS version')) as { version: string }[];
      this.serverVersion = row?.version ?? '';
      for (const statement of this.sessionSettings()) await runner.query(statement);
      this.prepared.add(connection);
    } else {
      const idleMs = Date.now() - (this.idleSince.get(connection) ?? 0);
      // A negative time means that the wall clock was set back. It says nothing.
      if (idleMs >= 0 && idleMs <= TRUSTED_IDLE_MS) return true;
      try {
        await lease.ping();
      } catch (error) {
        if (performance.now() >= until) throw error;
        lease.giveUp();
        return false;
      }
    }
    lease.allowFirst(until - performance.now());
    return true;
  }

  /** Sent once on every new connection, before its first use. */
  private sessionSettings(): string[] {
    const { callMs, waitTimeoutS } = this.source.settings;
    const limitMs = callMs + AFTERMATH_MS;
    const settings = [
      'autocommit = 1',
      "time_zone = '+00:00'",
      `wait_timeout = ${waitTimeoutS}`,
      'innodb_lock_wait_timeout = 3',
      // For a table that is being migrated: its waiters must not pile up in the server.
      'lock_wait_timeout = 3',
      // mysql2 escapes with backslashes: never NO_BACKSLASH_ESCAPES.
      "sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
      isMariaDb(this.version) ? `max_statement_time = ${limitMs / 1_000}` : `max_execution_time = ${limitMs}`,
    ];
    return [
      `SET SESSION ${settings.join(', SESSION ')}`,
      'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE',
    ];
  }
}

/** @param version as the server says it. */
export function isMariaDb(version: string): boolean {
  return /mariadb/i.test(version);
}
