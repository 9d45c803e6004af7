import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { addColumns, addIndex, dropIndex } from './alterations.js';
import { identifier } from './column-types.js';

/** API keys, and in the admin audit who acted, from where, and on which campaign. */
export class ApiKeys1766000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const dialect = dialectOf(runner.connection);
    const sqlite = dialect.name === 'sqlite';
    const instant = sqlite ? 'INTEGER' : 'BIGINT';
    const name = sqlite ? 'TEXT' : 'VARCHAR(200) CHARACTER SET utf8mb4';
    const columns = [
      `id ${identifier(dialect, 26)} NOT NULL PRIMARY KEY`,
      `name ${name} NOT NULL`,
      `role ${identifier(dialect, 16)} NOT NULL`,
      // SHA-256 in base64url.
      `secret_digest ${identifier(dialect, 43)} NOT NULL`,
      `created_at ${instant} NOT NULL`,
      `created_by ${identifier(dialect, 26)} NOT NULL`,
      `expires_at ${instant}`,
      `last_used_at ${instant}`,
      `revoked_at ${instant}`,
    ];
    // MySQL commits every statement by itself: a migration that was killed half way is run again from its start.
    await runner.query(`CREATE TABLE IF NOT EXISTS api_keys (${columns.join(', ')})${sqlite ? '' : ' ENGINE=InnoDB'}`);
    await addColumns(runner, 'admin_audit', {
      actor_id: identifier(dialect, 26),
      actor_name: name,
      // An IPv6 address with a zone.
      address: identifier(dialect, 64),
      campaign_id: identifier(dialect, 26),
    });
    const indexed = {
      actor_id: 'admin_audit_actor',
      action: 'admin_audit_action',
      campaign_id: 'admin_audit_campaign',
    };
    for (const [column, index] of Object.entries(indexed)) {
      await addIndex(runner, 'admin_audit', index, `${column}, id`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const index of ['admin_audit_campaign', 'admin_audit_action', 'admin_audit_actor']) {
      await dropIndex(runner, 'admin_audit', index);
    }
    for (const column of ['campaign_id', 'address', 'actor_name', 'actor_id']) {
      await runner.query(`ALTER TABLE admin_audit DROP COLUMN ${column}`);
    }
    await runner.query('DROP TABLE api_keys');
  }
}
