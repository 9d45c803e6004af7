import { createConnection } from 'mysql2/promise';
import { ulid } from 'ulid';
import { migrate } from '../../src/infrastructure/mysql/mysql-migrator.js';
import { MYSQL_DEFAULTS } from '../../src/infrastructure/mysql/mysql-settings.js';
import { grants } from './documented-rights.js';
import { stackAddress } from './stack-address.js';

export interface TestDatabase {
  /** As its owner. */
  readonly url: string;
  drop(): Promise<void>;
}

/** Makes a new empty database on the server of the stack. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const server = stackAddress('STACK_DATABASE_URL');
  // Not a name that an earlier test may have left behind.
  const name = `test_${ulid().toLowerCase()}`;
  await execute(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    url: String(url),
    drop: () => execute(server, `DROP DATABASE ${name}`, `DROP USER IF EXISTS '${name}'@'127.0.0.1'`),
  };
}

/**
 * Makes the schema as its owner, and a user that has the documented rights only.
 * @returns the address for this user.
 */
export async function asServiceUser({ url }: TestDatabase, password: string): Promise<string> {
  const own = new URL(url);
  const database = own.pathname.slice(1);
  const account = `'${database}'@'127.0.0.1'`;
  await migrate({ ...MYSQL_DEFAULTS, url, ssl: false });
  await execute(url, `CREATE USER ${account} IDENTIFIED BY '${password}'`, ...grants(account, database));
  own.username = database;
  own.password = password;
  return String(own);
}

async function execute(url: string, ...statements: readonly string[]): Promise<void> {
  const connection = await createConnection({ uri: url });
  try {
    for (const statement of statements) await connection.query(statement);
  } finally {
    await connection.end();
  }
}
