import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { addColumns, addIndex, dropIndex } from './alterations.js';

const INDEX = 'campaigns_at_gate';

/**
 * Adds when a campaign left the gate, and when the gate had forgotten it. The version before leaves both columns out of its
 * statements, so it can run beside this one.
 */
export class CampaignsAtGate1765200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const integer = dialectOf(runner.connection).name === 'sqlite' ? 'INTEGER' : 'BIGINT';
    await addColumns(runner, 'campaigns', { left_gate_at: integer, gate_cleared_at: integer });
    await addIndex(runner, 'campaigns', INDEX, 'gate_cleared_at, left_gate_at, id');
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropIndex(runner, 'campaigns', INDEX);
    for (const column of ['gate_cleared_at', 'left_gate_at']) {
      await runner.query(`ALTER TABLE campaigns DROP COLUMN ${column}`);
    }
  }
}
