import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { identifier } from './column-types.js';

/** Columns that hold the id of a user, or of an operator whom an identity provider names, and their lengths before. */
const WIDENED = [
  ['coupons', 'user_id', 'NOT NULL', 64],
  ['failed_events', 'user_id', 'NULL', 64],
  ['api_keys', 'created_by', 'NOT NULL', 26],
  ['admin_audit', 'actor_id', 'NULL', 26],
] as const;

/**
 * Room for the ids that identity providers give: 128 characters (domain/user-id.ts). The version before reads and writes
 * the wider columns as it did the narrow ones. SQLite has no lengths.
 *
 * A VARCHAR below 256 bytes that stays below 256 bytes is changed in the table's definition alone. `INPLACE` and
 * `LOCK=NONE` have the server refuse the statement where it would copy the table or stop claims instead.
 */
export class WiderUserIds1766100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const [table, column, nullability] of WIDENED) {
      await resize(runner, table, column, 128, `${nullability}, ALGORITHM=INPLACE, LOCK=NONE`);
    }
  }

  /** Fails while a longer id is stored, and copies each table. */
  async down(runner: QueryRunner): Promise<void> {
    for (const [table, column, nullability, before] of WIDENED) {
      await resize(runner, table, column, before, nullability);
    }
  }
}

async function resize(runner: QueryRunner, table: string, column: string, length: number, rest: string): Promise<void> {
  const dialect = dialectOf(runner.connection);
  if (dialect.name === 'sqlite') return;
  await runner.query(`ALTER TABLE ${table} MODIFY ${column} ${identifier(dialect, length)} ${rest}`);
}
