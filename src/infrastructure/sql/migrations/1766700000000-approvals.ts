import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { addIndex } from './alterations.js';
import { identifier } from './column-types.js';

/** Acts that wait for a second operator, and those that were decided: rows are never deleted. */
export class Approvals1766700000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const dialect = dialectOf(runner.connection);
    const sqlite = dialect.name === 'sqlite';
    const instant = sqlite ? 'INTEGER' : 'BIGINT';
    const words = sqlite ? 'TEXT' : 'TEXT CHARACTER SET utf8mb4';
    const name = sqlite ? 'TEXT' : 'VARCHAR(200) CHARACTER SET utf8mb4';
    const columns = [
      `id ${identifier(dialect, 26)} NOT NULL PRIMARY KEY`,
      `action ${identifier(dialect, 64)} NOT NULL`,
      `subject ${identifier(dialect, 64)} NOT NULL`,
      `campaign_id ${identifier(dialect, 26)}`,
      `needed_role ${identifier(dialect, 16)} NOT NULL`,
      `asked ${words} NOT NULL`,
      `consequences ${words} NOT NULL`,
      `outcome ${words}`,
      `status ${identifier(dialect, 16)} NOT NULL`,
      // As wide as an actor in the admin audit.
      `requested_by ${identifier(dialect, 128)} NOT NULL`,
      `requested_name ${name} NOT NULL`,
      `decided_by ${identifier(dialect, 128)}`,
      `decided_name ${name}`,
      `decided_at ${instant}`,
      `expires_at ${instant} NOT NULL`,
      `created_at ${instant} NOT NULL`,
    ];
    await runner.query(`CREATE TABLE IF NOT EXISTS approvals (${columns.join(', ')})${sqlite ? '' : ' ENGINE=InnoDB'}`);
    await addIndex(runner, 'approvals', 'approvals_by_status', 'status, id');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE approvals');
  }
}
