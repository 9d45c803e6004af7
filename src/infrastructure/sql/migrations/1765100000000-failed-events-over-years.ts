import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dialectOf } from '../sql-dialect.js';
import { addColumns, addIndex, dropIndex } from './alterations.js';

/** Index → table and columns. Both databases append the id to each. */
const INDEXES: Readonly<Record<string, readonly [table: string, columns: string]>> = {
  failed_events_by_status: ['failed_events', 'status'],
  failed_events_of_campaign: ['failed_events', 'campaign_id, status'],
  failed_events_sequence: ['failed_events', 'campaign_id, sequence'],
  campaigns_resolved_events: ['campaigns', 'resolved_events'],
};

/**
 * What keeps a table of a million resolved rows from costing anything: an index for each question, and a counter of what
 * was resolved. The version before does not count; it leaves the column out of its statements, so it can run beside this
 * one.
 */
export class FailedEventsOverYears1765100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    const integer = dialectOf(runner.connection).name === 'sqlite' ? 'INTEGER' : 'BIGINT';
    await addColumns(runner, 'campaigns', { resolved_events: `${integer} NOT NULL DEFAULT 0` });
    for (const [name, [table, columns]] of Object.entries(INDEXES)) await addIndex(runner, table, name, columns);
    // A read of its own: as a part of the UPDATE it would lock the rows against the consumers.
    const counts = (await runner.query(
      "SELECT campaign_id, COUNT(*) AS resolved FROM failed_events WHERE status = 'RESOLVED' AND campaign_id IS NOT NULL " +
        'GROUP BY campaign_id',
    )) as { campaign_id: string; resolved: string | number }[];
    for (const { campaign_id: id, resolved } of counts) {
      await runner.query('UPDATE campaigns SET resolved_events = ? WHERE id = ? AND resolved_events = 0', [
        resolved,
        id,
      ]);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const [name, [table]] of Object.entries(INDEXES).reverse()) await dropIndex(runner, table, name);
    await runner.query('ALTER TABLE campaigns DROP COLUMN resolved_events');
  }
}
