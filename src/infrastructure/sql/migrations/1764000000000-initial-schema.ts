import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { identifier } from './column-types.js';

export class InitialSchema1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const dialect = dialectOf(runner.connection);
    const sqlite = dialect.name === 'sqlite';
    const id = (length: number) => identifier(dialect, length);
    const key = sqlite ? 'INTEGER PRIMARY KEY AUTOINCREMENT' : 'BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY';
    const integer = sqlite ? 'INTEGER' : 'BIGINT';
    const words = (length: number) => (sqlite ? 'TEXT' : `VARCHAR(${length}) CHARACTER SET utf8mb4`);
    const bytes = sqlite ? 'BLOB' : 'MEDIUMBLOB';
    const options = sqlite ? '' : ' ENGINE=InnoDB';
    // MySQL commits every statement by itself: a migration that was killed half way is run again from its start. It knows
    // no CREATE INDEX IF NOT EXISTS either, so there the indexes come with their table.
    const create = async (table: string, columns: string[], indexes: Record<string, string> = {}) => {
      const inline = sqlite ? [] : Object.entries(indexes).map(([name, on]) => `INDEX ${name} (${on})`);
      await runner.query(`CREATE TABLE IF NOT EXISTS ${table} (${[...columns, ...inline].join(', ')})${options}`);
      if (!sqlite) return;
      for (const [name, on] of Object.entries(indexes)) {
        await runner.query(`CREATE INDEX IF NOT EXISTS ${name} ON ${table} (${on})`);
      }
    };

    await create(
      'campaigns',
      [
        `id ${id(26)} NOT NULL PRIMARY KEY`,
        `name ${words(200)} NOT NULL`,
        `total ${integer} NOT NULL`,
        `issued ${integer} NOT NULL DEFAULT 0`,
        `starts_at ${integer} NOT NULL`,
        `ends_at ${integer}`,
        `state ${id(16)} NOT NULL`,
        `version ${integer} NOT NULL`,
        `created_at ${integer} NOT NULL`,
        `updated_at ${integer} NOT NULL`,
        'CONSTRAINT campaigns_never_oversold CHECK (issued >= 0 AND issued <= total)',
      ],
      { campaigns_newest: 'created_at, id' },
    );

    await create(
      'coupons',
      [
        `id ${key}`,
        `campaign_id ${id(26)} NOT NULL`,
        `user_id ${id(64)} NOT NULL`,
        `claim_id ${id(26)} NOT NULL`,
        `code ${id(32)} NOT NULL`,
        `sequence ${integer} NOT NULL`,
        `claimed_at ${integer} NOT NULL`,
        `idempotency_digest ${id(43)}`,
        `created_at ${integer} NOT NULL`,
        'CONSTRAINT coupons_one_per_user UNIQUE (campaign_id, user_id)',
        'CONSTRAINT coupons_one_per_claim UNIQUE (claim_id)',
        'CONSTRAINT coupons_code UNIQUE (code)',
        'CONSTRAINT coupons_of_campaign FOREIGN KEY (campaign_id) REFERENCES campaigns (id)',
      ],
      { coupons_of_user: 'user_id, id' },
    );

    await create('gate', [
      `id ${integer} NOT NULL PRIMARY KEY`,
      `epoch ${integer} NOT NULL`,
      `script_sha ${id(64)}`,
      `builder ${id(64)}`,
      `lease_until ${integer}`,
    ]);
    await runner.query('INSERT INTO gate (id, epoch) SELECT 1, 0 WHERE NOT EXISTS (SELECT 1 FROM gate)');

    await create('gate_cuts', [
      `epoch ${integer} NOT NULL`,
      `log_partition ${integer} NOT NULL`,
      `log_offset ${integer} NOT NULL`,
      'PRIMARY KEY (epoch, log_partition)',
    ]);

    await create(
      'failed_events',
      [
        `id ${key}`,
        `dedupe_key ${id(64)} NOT NULL`,
        `claim_id ${id(26)}`,
        `campaign_id ${id(26)}`,
        `user_id ${id(64)}`,
        `sequence ${integer}`,
        `claimed_at ${integer}`,
        `epoch ${integer}`,
        `idempotency_digest ${id(43)}`,
        `topic ${words(255)}`,
        `log_partition ${integer}`,
        `log_offset ${integer}`,
        `message_key ${bytes}`,
        `payload ${bytes}`,
        `headers ${bytes}`,
        `truncated ${integer} NOT NULL DEFAULT 0`,
        `source ${id(16)} NOT NULL`,
        `error_class ${id(32)} NOT NULL`,
        `error_code ${id(64)} NOT NULL`,
        `error_message ${words(500)} NOT NULL`,
        `status ${id(16)} NOT NULL`,
        `attempts ${integer} NOT NULL`,
        `max_attempts ${integer} NOT NULL`,
        `next_attempt_at ${integer} NOT NULL`,
        `lease_owner ${id(64)}`,
        `lease_until ${integer}`,
        `released_at ${integer}`,
        `resolved_by ${id(64)}`,
        `note ${words(500)}`,
        `version ${integer} NOT NULL`,
        `created_at ${integer} NOT NULL`,
        `updated_at ${integer} NOT NULL`,
        'CONSTRAINT failed_events_once UNIQUE (dedupe_key)',
      ],
      {
        failed_events_due: 'status, next_attempt_at',
        failed_events_of_claim: 'claim_id',
        failed_events_of_user: 'campaign_id, user_id',
      },
    );

    await create('admin_audit', [
      `id ${key}`,
      `action ${id(64)} NOT NULL`,
      `subject ${id(64)} NOT NULL`,
      `request_id ${id(64)}`,
      `detail ${sqlite ? 'TEXT' : 'TEXT CHARACTER SET utf8mb4'} NOT NULL`,
      `created_at ${integer} NOT NULL`,
    ]);

    if (!sqlite) return;
    // AUTOINCREMENT: an id is an offset. SQLite would give plain rowids out again once the newest rows were pruned.
    await create('journal', [
      'id INTEGER PRIMARY KEY AUTOINCREMENT',
      'message_key TEXT',
      'value BLOB',
      'appended_at INTEGER NOT NULL',
    ]);
    await create('journal_offsets', ['consumer_group TEXT NOT NULL PRIMARY KEY', 'settled INTEGER NOT NULL']);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['admin_audit', 'failed_events', 'gate_cuts', 'gate', 'coupons', 'campaigns']) {
      await runner.query(`DROP TABLE ${table}`);
    }
    if (dialectOf(runner.connection).name !== 'sqlite') return;
    for (const table of ['journal_offsets', 'journal']) await runner.query(`DROP TABLE ${table}`);
  }
}
