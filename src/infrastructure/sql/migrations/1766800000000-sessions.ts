import { randomBytes } from 'node:crypto';
import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { addIndex, dropIndex } from './alterations.js';

const SECRET_BYTES = 32;
const INDEX = 'admin_audit_subject';

/** The first key that seals sessions of the console, and the index by which an api asks whether a session was ended. */
export class Sessions1766800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addIndex(runner, 'admin_audit', INDEX, 'subject, action');
    await runner.query(
      'INSERT INTO installation_keys (purpose, secret, created_at) ' +
        `SELECT ?, ?, ${dialectOf(runner.connection).now} WHERE NOT EXISTS (SELECT 1 FROM installation_keys WHERE purpose = ?)`,
      ['session', randomBytes(SECRET_BYTES).toString('hex'), 'session'],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query("DELETE FROM installation_keys WHERE purpose = 'session'");
    await dropIndex(runner, 'admin_audit', INDEX);
  }
}
