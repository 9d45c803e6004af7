import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { addColumns, addIndex, dropIndex } from './alterations.js';
import { identifier } from './column-types.js';

/**
 * What a campaign asks of a caller before a claim. The version before leaves these columns out of its statements: the
 * campaigns that it makes ask for no entry.
 */
export class Entry1766300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const dialect = dialectOf(runner.connection);
    const integer = dialect.name === 'sqlite' ? 'INTEGER' : 'BIGINT';
    await addColumns(runner, 'campaigns', {
      require_entry: `${integer} NOT NULL DEFAULT 0`,
      challenge: `${identifier(dialect, 16)} NOT NULL DEFAULT 'none'`,
      challenge_cost: `${integer} NOT NULL DEFAULT 2000`,
    });
    // Every api asks once a second which campaigns require an entry.
    await addIndex(runner, 'campaigns', 'campaigns_entry', 'require_entry, state');
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropIndex(runner, 'campaigns', 'campaigns_entry');
    for (const column of ['challenge_cost', 'challenge', 'require_entry']) {
      await runner.query(`ALTER TABLE campaigns DROP COLUMN ${column}`);
    }
  }
}
