import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';

const INDEX = 'campaigns_at_gate';

/**
 * Adds when a campaign left the gate, and when the gate had forgotten it. The version before leaves both columns out of its
 * statements, so it can run beside this one.
 */
export class CampaignsAtGate1765200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const integer = dialectOf(runner.connection).name === 'sqlite' ? 'INTEGER' : 'BIGINT';
    for (const column of ['left_gate_at', 'gate_cleared_at']) {
      if (await runner.hasColumn('campaigns', column)) continue;
      await runner.query(`ALTER TABLE campaigns ADD COLUMN ${column} ${integer}`);
    }
    if (await hasIndex(runner, 'campaigns', INDEX)) return;
    await runner.query(`CREATE INDEX ${INDEX} ON campaigns (gate_cleared_at, left_gate_at, id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    const sqlite = dialectOf(runner.connection).name === 'sqlite';
    await runner.query(`DROP INDEX ${INDEX}${sqlite ? '' : ' ON campaigns'}`);
    for (const column of ['gate_cleared_at', 'left_gate_at']) {
      await runner.query(`ALTER TABLE campaigns DROP COLUMN ${column}`);
    }
  }
}

/** MySQL commits every statement by itself, and knows no CREATE INDEX IF NOT EXISTS: a migration may be run again. */
async function hasIndex(runner: QueryRunner, table: string, name: string): Promise<boolean> {
  const found = (await runner.query(
    dialectOf(runner.connection).name === 'sqlite'
      ? "SELECT 1 FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND name = ?"
      : 'SELECT 1 FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ? LIMIT 1',
    [table, name],
  )) as unknown[];
  return found.length > 0;
}
