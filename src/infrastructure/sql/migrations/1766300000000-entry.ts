import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { identifier } from './column-types.js';

/**
 * What a campaign asks of a caller before a claim. The version before leaves these columns out of its statements: the
 * campaigns that it makes ask for no entry.
 *
 * MySQL commits every statement by itself, so each of them can be run again.
 */
export class Entry1766300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const dialect = dialectOf(runner.connection);
    const integer = dialect.name === 'sqlite' ? 'INTEGER' : 'BIGINT';
    const additions = {
      require_entry: `${integer} NOT NULL DEFAULT 0`,
      challenge: `${identifier(dialect, 16)} NOT NULL DEFAULT 'none'`,
      challenge_cost: `${integer} NOT NULL DEFAULT 2000`,
    };
    for (const [column, type] of Object.entries(additions)) {
      if (await runner.hasColumn('campaigns', column)) continue;
      await runner.query(`ALTER TABLE campaigns ADD COLUMN ${column} ${type}`);
    }
    // Every api asks once a second which campaigns require an entry.
    const table = await runner.getTable('campaigns');
    if (!table?.indices.some(({ name }) => name === 'campaigns_entry')) {
      await runner.query('CREATE INDEX campaigns_entry ON campaigns (require_entry, state)');
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    const isSqlite = dialectOf(runner.connection).name === 'sqlite';
    await runner.query(`DROP INDEX campaigns_entry${isSqlite ? '' : ' ON campaigns'}`);
    for (const column of ['challenge_cost', 'challenge', 'require_entry']) {
      await runner.query(`ALTER TABLE campaigns DROP COLUMN ${column}`);
    }
  }
}
