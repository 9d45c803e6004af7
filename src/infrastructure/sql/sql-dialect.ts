import { type DataSource } from 'typeorm';

/** The few places where SQLite and MySQL/MariaDB differ for this schema. */
export interface SqlDialect {
  readonly name: 'sqlite' | 'mysql';
  /** The database's clock, ms since the Unix epoch. */
  readonly now: string;
  /** Appended to a SELECT. SQLite has one writer at a time and needs none: the unit of work holds the whole file. */
  readonly lockShared: string;
  readonly lockExclusive: string;
  readonly lockExclusiveSkippingLocked: string;
  /** Appended to a table, where the server may choose an index by which it would lock rows that it does not need. */
  readonly byIndex: (name: string) => string;
  /**
   * What stands behind `INSERT INTO table (columns)`, and its parameters: a row whose unique key is taken already is left
   * out. Any other fault of a row is an error.
   */
  readonly rowsKeepingFirst: (
    uniqueKey: string,
    rows: readonly (readonly unknown[])[],
  ) => { readonly sql: string; readonly parameters: unknown[] };
  /** What stands behind VALUES in an INSERT, and its parameters. */
  readonly rows: (rows: readonly (readonly unknown[])[]) => { readonly sql: string; readonly parameters: unknown[] };
}

const SQLITE: SqlDialect = {
  name: 'sqlite',
  now: `CAST(unixepoch('subsec') * 1000 AS INTEGER)`,
  lockShared: '',
  lockExclusive: '',
  lockExclusiveSkippingLocked: '',
  byIndex: (name) => ` INDEXED BY ${name}`,
  // The rows as one text: libsql takes longer to bind thousands of parameters than SQLite to insert them.
  rowsKeepingFirst: (uniqueKey, rows) => ({
    sql:
      `SELECT ${(rows[0] ?? []).map((_, index) => `value ->> ${index}`).join(', ')} FROM json_each(?) WHERE true ` +
      `ON CONFLICT (${uniqueKey}) DO NOTHING`,
    parameters: [JSON.stringify(rows)],
  }),
  rows: (rows) => ({ sql: rows.map((row) => inList(row)).join(', '), parameters: rows.flat() }),
};

const MYSQL: SqlDialect = {
  name: 'mysql',
  now: 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS UNSIGNED)',
  // MariaDB knows no FOR SHARE.
  lockShared: ' LOCK IN SHARE MODE',
  lockExclusive: ' FOR UPDATE',
  lockExclusiveSkippingLocked: ' FOR UPDATE SKIP LOCKED',
  byIndex: (name) => ` FORCE INDEX (${name})`,
  // Not INSERT IGNORE, which also makes a warning of data that does not fit.
  rowsKeepingFirst: (_uniqueKey, rows) => ({ sql: 'VALUES ? ON DUPLICATE KEY UPDATE id = id', parameters: [rows] }),
  // mysql2 writes a list of lists out by itself. That costs less than thousands of placeholders.
  rows: (rows) => ({ sql: '?', parameters: [rows] }),
};

export function dialectOf(dataSource: DataSource): SqlDialect {
  return dataSource.options.type === 'mysql' ? MYSQL : SQLITE;
}

/** `(?, ?, ?)` for an IN list. */
export function inList(values: readonly unknown[]): string {
  return `(${Array<string>(values.length).fill('?').join(', ')})`;
}

/** Values in one IN list: SQLite takes 32,766 parameters in a statement. */
const MAX_LIST = 10_000;

/** Cuts a list so that each part fits into one statement; `columns` is how many parameters an element takes. */
export function* chunks<T>(values: readonly T[], columns = 1): Generator<readonly T[]> {
  const size = Math.floor(MAX_LIST / columns);
  for (let start = 0; start < values.length; start += size) yield values.slice(start, start + size);
}
