import { randomBytes } from 'node:crypto';
import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { addColumns } from './alterations.js';
import { identifier } from './column-types.js';

/** 32 letters and digits, without look-alikes, so that a byte is a letter without a remainder. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789';
const ID_LENGTH = 16;
const SECRET_BYTES = 32;

/**
 * Gives the installation a name and a secret: `gate.installation_id`, and `installation_keys` with the secret from which
 * the codes of coupons are derived. `gate_cuts.log_id` says which log a cut's offsets are of. The version before leaves
 * all of it out of its statements.
 *
 * MySQL commits every statement by itself, so each of them can be run again. None of them replaces an id or a secret
 * that is there: codes that users were shown depend on it.
 */
export class Installation1765000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const dialect = dialectOf(runner.connection);
    const sqlite = dialect.name === 'sqlite';
    const key = sqlite ? 'INTEGER PRIMARY KEY AUTOINCREMENT' : 'BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY';
    const columns: [string, string, number][] = [
      ['gate', 'installation_id', 64],
      // A topic's id in Kafka is a UUID.
      ['gate_cuts', 'log_id', 64],
    ];
    for (const [table, column, length] of columns) {
      await addColumns(runner, table, { [column]: identifier(dialect, length) });
    }
    await runner.query('UPDATE gate SET installation_id = ? WHERE installation_id IS NULL', [newId()]);

    const definitions = [
      `id ${key}`,
      `purpose ${identifier(dialect, 32)} NOT NULL`,
      `secret ${identifier(dialect, 128)} NOT NULL`,
      `created_at ${sqlite ? 'INTEGER' : 'BIGINT'} NOT NULL`,
    ];
    await runner.query(
      `CREATE TABLE IF NOT EXISTS installation_keys (${definitions.join(', ')})${sqlite ? '' : ' ENGINE=InnoDB'}`,
    );
    await runner.query(
      'INSERT INTO installation_keys (purpose, secret, created_at) ' +
        `SELECT 'coupon-code', ?, ${dialect.now} ` +
        "WHERE NOT EXISTS (SELECT 1 FROM installation_keys WHERE purpose = 'coupon-code')",
      [randomBytes(SECRET_BYTES).toString('hex')],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE installation_keys');
    await runner.query('ALTER TABLE gate_cuts DROP COLUMN log_id');
    await runner.query('ALTER TABLE gate DROP COLUMN installation_id');
  }
}

function newId(): string {
  return Array.from(randomBytes(ID_LENGTH), (byte) => LETTERS[byte % LETTERS.length]).join('');
}
