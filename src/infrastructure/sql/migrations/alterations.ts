import { type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';

// MySQL commits every statement by itself, and knows neither ADD COLUMN IF NOT EXISTS nor CREATE INDEX IF NOT EXISTS. A
// migration that was killed half way is run again from its start, so each step looks first.

/** @param columns name → type, with its constraints. */
export async function addColumns(
  runner: QueryRunner,
  table: string,
  columns: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [column, type] of Object.entries(columns)) {
    if (await runner.hasColumn(table, column)) continue;
    await runner.query(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
  }
}

/** @param columns as in CREATE INDEX: their names with commas between them. */
export async function addIndex(runner: QueryRunner, table: string, name: string, columns: string): Promise<void> {
  const found = (await runner.query(
    dialectOf(runner.connection).name === 'sqlite'
      ? "SELECT 1 FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND name = ?"
      : 'SELECT 1 FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ? LIMIT 1',
    [table, name],
  )) as unknown[];
  if (found.length === 0) await runner.query(`CREATE INDEX ${name} ON ${table} (${columns})`);
}

export async function dropIndex(runner: QueryRunner, table: string, name: string): Promise<void> {
  const isSqlite = dialectOf(runner.connection).name === 'sqlite';
  await runner.query(`DROP INDEX ${name}${isSqlite ? '' : ` ON ${table}`}`);
}
