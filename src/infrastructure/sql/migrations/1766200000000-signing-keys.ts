import { randomBytes } from 'node:crypto';
import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { addColumns } from './alterations.js';

const SECRET_BYTES = 32;

/**
 * The first key of the events on the log and of entry tokens, and since when every event has to be signed:
 * `gate.signed_since`. A new installation demands that from its first epoch on. One that is upgraded has unsigned events
 * on its log, and apis of the version before, so it accepts both until its operator ends that.
 *
 * `failed_events.verified` says that a claim which the consumer has set aside came with a good signature. The journal of
 * the embedded profile is the installation's own, and needs none.
 *
 * The version before leaves all of it out of its statements. MySQL commits every statement by itself, so each of them
 * can be run again.
 */
export class SigningKeys1766200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const dialect = dialectOf(runner.connection);
    const integer = dialect.name === 'sqlite' ? 'INTEGER' : 'BIGINT';
    await addColumns(runner, 'installation_keys', { retired_at: integer });
    await addColumns(runner, 'gate', { signed_since: integer });
    await addColumns(runner, 'failed_events', { verified: integer });
    await runner.query(`UPDATE gate SET signed_since = ${dialect.now} WHERE epoch = 0 AND signed_since IS NULL`);
    if (dialect.name === 'sqlite') {
      await runner.query("UPDATE failed_events SET verified = 1 WHERE source = 'CONSUMER'");
    }
    for (const purpose of ['event', 'entry']) {
      await runner.query(
        'INSERT INTO installation_keys (purpose, secret, created_at) ' +
          `SELECT ?, ?, ${dialect.now} WHERE NOT EXISTS (SELECT 1 FROM installation_keys WHERE purpose = ?)`,
        [purpose, randomBytes(SECRET_BYTES).toString('hex'), purpose],
      );
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query("DELETE FROM installation_keys WHERE purpose IN ('event', 'entry')");
    await runner.query('ALTER TABLE failed_events DROP COLUMN verified');
    await runner.query('ALTER TABLE gate DROP COLUMN signed_since');
    await runner.query('ALTER TABLE installation_keys DROP COLUMN retired_at');
  }
}
