import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { SqliteConnection } from '../../src/infrastructure/sqlite/sqlite-connection.js';
import { type Service } from './service.js';

/** Reads rows that no port reads. The statement has to be valid in both databases. */
export async function tableRows(
  { app, backend }: Service,
  sql: string,
  parameters: string[],
): Promise<Record<string, unknown>[]> {
  const uri = backend.env['DATABASE_URL'];
  if (uri === undefined) {
    const rows = await app.get(SqliteConnection).exclusive((runner) => runner.query(sql, parameters));
    return rows as Record<string, unknown>[];
  }
  const connection = await createConnection({ uri });
  try {
    const [rows] = await connection.query<RowDataPacket[]>(sql, parameters);
    return rows;
  } finally {
    await connection.end();
  }
}
