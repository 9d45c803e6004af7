import { createConnection } from 'mysql2/promise';
import { ulid } from 'ulid';
import { stackAddress } from './stack-address.js';

/** Makes a new empty database on the server of the stack. */
export async function openTestDatabase(): Promise<{ url: string; drop: () => Promise<void> }> {
  const server = stackAddress('STACK_DATABASE_URL');
  // Not a name that an earlier test may have left behind.
  const name = `test_${ulid().toLowerCase()}`;
  await execute(server, `CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return { url: String(url), drop: () => execute(server, `DROP DATABASE ${name}`) };
}

async function execute(url: string, sql: string): Promise<void> {
  const connection = await createConnection({ uri: url });
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}
