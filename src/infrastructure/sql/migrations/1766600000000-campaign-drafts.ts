import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { addIndex } from './alterations.js';
import { identifier } from './column-types.js';

/**
 * Campaigns that are not published. They have a table of their own: the version before, which runs beside this one during
 * an upgrade, opens and shows every row of `campaigns`, whatever its state.
 */
export class CampaignDrafts1766600000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const dialect = dialectOf(runner.connection);
    const sqlite = dialect.name === 'sqlite';
    const integer = sqlite ? 'INTEGER' : 'BIGINT';
    const columns = [
      `id ${identifier(dialect, 26)} NOT NULL PRIMARY KEY`,
      `name ${sqlite ? 'TEXT' : 'VARCHAR(200) CHARACTER SET utf8mb4'} NOT NULL`,
      `total ${integer} NOT NULL`,
      `starts_at ${integer} NOT NULL`,
      `ends_at ${integer}`,
      `require_entry ${integer} NOT NULL`,
      `challenge ${identifier(dialect, 16)} NOT NULL`,
      `challenge_cost ${integer} NOT NULL`,
      `version ${integer} NOT NULL`,
      `created_at ${integer} NOT NULL`,
      `updated_at ${integer} NOT NULL`,
    ];
    await runner.query(
      `CREATE TABLE IF NOT EXISTS campaign_drafts (${columns.join(', ')})${sqlite ? '' : ' ENGINE=InnoDB'}`,
    );
    await addIndex(runner, 'campaign_drafts', 'campaign_drafts_newest', 'created_at, id');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE campaign_drafts');
  }
}
