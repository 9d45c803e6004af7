import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { addColumns } from './alterations.js';

/**
 * Adds when a campaign's window opened, when its latest coupon was claimed, and when its last coupon was gone. The
 * version before leaves these columns out of its statements, so it can run beside this one.
 */
export class CampaignMilestones1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { name, now } = dialectOf(runner.connection);
    const integer = name === 'sqlite' ? 'INTEGER' : 'BIGINT';
    await addColumns(runner, 'campaigns', { opened_at: integer, last_claimed_at: integer, sold_out_at: integer });
    await runner.query(`UPDATE campaigns SET opened_at = starts_at WHERE opened_at IS NULL AND starts_at <= ${now}`);
    const campaigns = (await runner.query('SELECT id FROM campaigns WHERE issued > 0 AND last_claimed_at IS NULL')) as {
      id: string;
    }[];
    for (const { id } of campaigns) {
      // A read of its own: as a part of the UPDATE it would lock every coupon of the campaign against the consumers.
      const [found] = (await runner.query('SELECT MAX(claimed_at) AS latest FROM coupons WHERE campaign_id = ?', [
        id,
      ])) as { latest: string | number | null }[];
      await runner.query(
        'UPDATE campaigns SET last_claimed_at = ?, sold_out_at = CASE WHEN issued = total THEN ? END ' +
          'WHERE id = ? AND last_claimed_at IS NULL',
        [found?.latest ?? null, found?.latest ?? null, id],
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const column of ['sold_out_at', 'last_claimed_at', 'opened_at']) {
      await runner.query(`ALTER TABLE campaigns DROP COLUMN ${column}`);
    }
  }
}
