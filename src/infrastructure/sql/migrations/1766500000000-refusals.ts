import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { identifier } from './column-types.js';

/** The first refusal of each kind that a user has got in a campaign. */
export class Refusals1766500000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const dialect = dialectOf(runner.connection);
    const sqlite = dialect.name === 'sqlite';
    const columns = [
      `id ${sqlite ? 'INTEGER PRIMARY KEY AUTOINCREMENT' : 'BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY'}`,
      `campaign_id ${identifier(dialect, 26)} NOT NULL`,
      `user_id ${identifier(dialect, 128)} NOT NULL`,
      `code ${identifier(dialect, 32)} NOT NULL`,
      `refused_at ${sqlite ? 'INTEGER' : 'BIGINT'} NOT NULL`,
      `request_id ${identifier(dialect, 64)} NOT NULL`,
      // By user first: support asks about a user, in all campaigns.
      'CONSTRAINT refusals_once UNIQUE (user_id, campaign_id, code)',
    ];
    await runner.query(`CREATE TABLE IF NOT EXISTS refusals (${columns.join(', ')})${sqlite ? '' : ' ENGINE=InnoDB'}`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE refusals');
  }
}
