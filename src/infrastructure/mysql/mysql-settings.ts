import { StartupError } from '../../platform/config/startup-error.js';

/** How one process uses the database. */
export interface MysqlSettings {
  /** `mysql://user:password@host:port/database`; user, password and database percent-encoded. */
  readonly url: string;
  /** TLS with a certificate that is valid for the host. */
  readonly ssl: boolean;
  /** The certificates that vouch for the server's, PEM; the system's when it is not given. */
  readonly ca?: string;
  /** One call, ms: a statement, or the wait for a connection together with the first statement on it. */
  readonly callMs: number;
  /** Until a new connection is there, ms. */
  readonly connectMs: number;
  /** The server ends a session that is silent for this long, s. A host that is frozen must not keep its locks. */
  readonly waitTimeoutS: number;
  /** Connections for units of work that write, and for long reads. */
  readonly connections: number;
  /** Connections for single reads, which must not stand behind the consumer's transactions. */
  readonly readConnections: number;
  /**
   * Connections for the gate row, which must not stand behind users' reads either. When one hangs, another one is left.
   */
  readonly urgentConnections: number;
}

export const MYSQL_DEFAULTS: Omit<MysqlSettings, 'url' | 'ssl'> = {
  callMs: 5_000,
  connectMs: 2_000,
  waitTimeoutS: 10,
  connections: 10,
  readConnections: 10,
  urgentConnections: 2,
};

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly database: string;
}

/** @throws StartupError; the message never shows what was given, because a password stands in it. */
export function addressOf({ url }: Pick<MysqlSettings, 'url'>): ServerAddress {
  try {
    const { hostname, port, username, password, pathname } = new URL(url);
    return {
      // The brackets of an IPv6 address belong to the URL.
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? 3306 : Number(port),
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
      database: decodeURIComponent(pathname.slice(1)),
    };
  } catch {
    throw new StartupError('DATABASE_URL: expected user, password and database percent-encoded; one of them is not');
  }
}
