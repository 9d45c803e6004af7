import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';

/**
 * The order in which the gate admitted the claims of a campaign: for the list of its coupons, and for a rebuild, which reads
 * those of the campaigns at the gate and of no other one.
 */
export class CouponsInOrder1766400000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const { name: product } = dialectOf(runner.connection);
    // A migration that was killed half way is run again from its start.
    if (product !== 'sqlite') {
      const found = (await runner.query("SHOW INDEX FROM coupons WHERE Key_name = 'coupons_in_order'")) as unknown[];
      if (found.length > 0) return;
    }
    await runner.query(
      `CREATE INDEX ${product === 'sqlite' ? 'IF NOT EXISTS ' : ''}coupons_in_order ` +
        'ON coupons (campaign_id, claimed_at, sequence)',
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    const { name: product } = dialectOf(runner.connection);
    await runner.query(`DROP INDEX coupons_in_order${product === 'sqlite' ? '' : ' ON coupons'}`);
  }
}
