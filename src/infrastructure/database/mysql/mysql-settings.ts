/** How one process uses the database. */
export interface MysqlSettings {
  /** `mysql://user:password@host:port/database`; user and password percent-encoded. */
  readonly url: string;
  /** TLS with a verified certificate. */
  readonly ssl: boolean;
  /** One statement, ms; the wait for a connection is another one. */
  readonly callMs: number;
  /** Until a new connection is there, ms. */
  readonly connectMs: number;
  /** A session that is silent for so long is ended by the server, s: a host that is frozen must not keep its locks. */
  readonly waitTimeoutS: number;
  /** Connections for units of work that write, and for long reads. */
  readonly connections: number;
  /** Connections for single reads: the watch must not stand behind the consumer's transactions. */
  readonly readConnections: number;
}

export const MYSQL_DEFAULTS: Omit<MysqlSettings, 'url' | 'ssl'> = {
  callMs: 5_000,
  connectMs: 2_000,
  waitTimeoutS: 10,
  connections: 10,
  readConnections: 4,
};
