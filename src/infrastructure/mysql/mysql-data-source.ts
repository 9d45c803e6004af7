import mysql, { type PoolConnection } from 'mysql2';
import { DataSource, type Logger } from 'typeorm';
import { DatabaseError } from '../../ports/database/database-error.js';
import { SCHEMA } from '../sql/schema.js';
import { destroyConnection, socketOf, withDeadline } from './leased-connection.js';
import { addressOf, type MysqlSettings } from './mysql-settings.js';

/** Each kind of work has a data source of its own: none waits behind another one for a connection. */
export type PoolName = 'writes' | 'reads' | 'urgentReads';

/** How many connections each of them may have. */
export const POOL_SIZES: Record<PoolName, (settings: MysqlSettings) => number> = {
  writes: ({ connections }) => connections,
  reads: ({ readConnections }) => readConnections,
  urgentReads: ({ urgentConnections }) => urgentConnections,
};

/** How long the connections may take to say goodbye, ms. Nest ends one data source after the other. */
const GOODBYE_MS = 300;

/**
 * The connections for one kind of work. The constructor connects to nothing. `initialize` may be tried again until a
 * server is there.
 */
export class MysqlDataSource extends DataSource {
  private readonly connections: ReadonlySet<PoolConnection>;
  private destroyed = false;

  /**
   * @param size connections at the most.
   * @throws StartupError when the URL cannot be read.
   */
  constructor(
    readonly settings: MysqlSettings,
    size: number,
  ) {
    const { ssl, ca, connectMs, waitTimeoutS } = settings;
    const connections = new Set<PoolConnection>();
    super({
      type: 'mysql',
      ...addressOf(settings),
      driver: { ...mysql, createPool: (options: object) => remember(connections, mysql.createPool(options)) },
      poolSize: size,
      connectTimeout: connectMs,
      charset: 'utf8mb4_unicode_ci',
      timezone: 'Z',
      // Without `verifyIdentity`, a certificate for any name at all would do.
      ...(ssl ? { ssl: { rejectUnauthorized: true, verifyIdentity: true, ...(ca === undefined ? {} : { ca }) } } : {}),
      extra: {
        // The server ends a session after `waitTimeoutS` of silence; the pool ends an idle one before that.
        idleTimeout: (waitTimeoutS * 1_000) / 2,
        // mysql2 looks for idle connections only where it may keep fewer of them than the pool has.
        maxIdle: size - 1,
        enableKeepAlive: true,
      },
      // Errors say what goes wrong. TypeORM would write it to the console as well, past the service's log.
      logger: SILENT,
      ...SCHEMA,
    });
    this.connections = connections;
  }

  /** True while connections may be asked for. */
  get isOpen(): boolean {
    return this.isInitialized && !this.destroyed;
  }

  /** @throws DatabaseError `infrastructure`, for any reason: the server was not asked for anything yet. */
  override async initialize(): Promise<this> {
    const { callMs } = this.settings;
    try {
      return await withDeadline(callMs, super.initialize(), 'CONNECT_TIMEOUT', 'the database did not answer');
    } catch (error) {
      // Only the sockets are ended: mysql2 then rejects what waits for an answer, so this attempt ends before the next
      // one begins.
      for (const connection of this.connections) socketOf(connection).destroy();
      throw asInfrastructure(error);
    }
  }

  /** Ends every connection. Waits only briefly for a server that does not answer. */
  override async destroy(): Promise<void> {
    this.destroyed = true;
    const goodbye = super.destroy().catch(() => undefined);
    await withDeadline(GOODBYE_MS, goodbye, 'GOODBYE', 'the database did not answer').catch(() => undefined);
    this.dropConnections();
  }

  /** The next call connects again: the same address may lead to another server then. */
  dropConnections(): void {
    for (const connection of this.connections) destroyConnection(connection);
  }
}

const SILENT: Logger = {
  logQuery: () => undefined,
  logQueryError: () => undefined,
  logQuerySlow: () => undefined,
  logSchemaBuild: () => undefined,
  logMigration: () => undefined,
  log: () => undefined,
};

function remember(connections: Set<PoolConnection>, pool: mysql.Pool): mysql.Pool {
  return pool.on('connection', (connection) => {
    const { stream } = connection as unknown as { stream: NodeJS.EventEmitter };
    connections.add(connection);
    stream.once('close', () => connections.delete(connection));
  });
}

/** What the server says of a wrong user, password or name of the database. */
const OF_THE_URL: ReadonlySet<unknown> = new Set([
  'ER_ACCESS_DENIED_ERROR',
  'ER_ACCESS_DENIED_NO_PASSWORD_ERROR',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_BAD_DB_ERROR',
]);

/**
 * For what happens before anything was asked of the server. The reason does not matter: a password that is refused now may be
 * accepted later. Where an operator can correct it in DATABASE_URL, the message names it.
 */
export function asInfrastructure(error: unknown): DatabaseError {
  if (error instanceof DatabaseError && error.kind === 'infrastructure') return error;
  const { code, message = String(error) } = error as { code?: string; message?: string };
  const named = OF_THE_URL.has(code) ? `DATABASE_URL: ${message}` : message;
  return new DatabaseError('infrastructure', code ?? 'CONNECT', named, { cause: error });
}
