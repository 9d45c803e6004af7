import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { identifier } from './column-types.js';

/** Which campaign was made under which Idempotency-Key. */
export class CampaignCreations1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const dialect = dialectOf(runner.connection);
    const sqlite = dialect.name === 'sqlite';
    const columns = [
      // A SHA-256 digest in base64url.
      `key_digest ${identifier(dialect, 43)} NOT NULL PRIMARY KEY`,
      `request_digest ${identifier(dialect, 43)} NOT NULL`,
      `campaign ${sqlite ? 'TEXT' : 'TEXT CHARACTER SET utf8mb4'} NOT NULL`,
      `created_at ${sqlite ? 'INTEGER' : 'BIGINT'} NOT NULL`,
    ];
    // MySQL commits every statement by itself: a migration that was killed half way is run again from its start.
    await runner.query(
      `CREATE TABLE IF NOT EXISTS campaign_creations (${columns.join(', ')})${sqlite ? '' : ' ENGINE=InnoDB'}`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE campaign_creations');
  }
}
