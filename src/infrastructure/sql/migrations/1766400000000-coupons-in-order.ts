import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { addIndex, dropIndex } from './alterations.js';

/**
 * The order in which the gate admitted the claims of a campaign: for the list of its coupons, and for a rebuild, which reads
 * those of the campaigns at the gate and of no other one.
 */
export class CouponsInOrder1766400000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addIndex(runner, 'coupons', 'coupons_in_order', 'campaign_id, claimed_at, sequence');
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropIndex(runner, 'coupons', 'coupons_in_order');
  }
}
