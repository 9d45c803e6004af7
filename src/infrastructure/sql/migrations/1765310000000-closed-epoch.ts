import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { addColumns } from './alterations.js';

/**
 * Adds which epoch was open last while none is: `closed_epoch`, as the builder of `closed_by_epoch` has noted it. A
 * builder of the version before leaves both as they are, and then `closed_by_epoch` is not the row's epoch.
 */
export class ClosedEpoch1765310000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const integer = dialectOf(runner.connection).name === 'sqlite' ? 'INTEGER' : 'BIGINT';
    await addColumns(runner, 'gate', { closed_epoch: integer, closed_by_epoch: integer });
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const column of ['closed_by_epoch', 'closed_epoch']) {
      await runner.query(`ALTER TABLE gate DROP COLUMN ${column}`);
    }
  }
}
