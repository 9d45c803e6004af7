import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { addIndex, dropIndex } from './alterations.js';

const INDEX = 'admin_audit_at';

/** The index by which the audit log is filtered by time. */
export class AuditByTime1766900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await addIndex(runner, 'admin_audit', INDEX, 'created_at');
  }

  async down(runner: QueryRunner): Promise<void> {
    await dropIndex(runner, 'admin_audit', INDEX);
  }
}
