import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type QueryRunner } from 'typeorm';
import { MysqlPool } from '../../../src/infrastructure/mysql/mysql-pool.js';
import { migrateOn } from '../../../src/infrastructure/mysql/mysql-migrator.js';
import { MYSQL_DEFAULTS } from '../../../src/infrastructure/mysql/mysql-settings.js';
import { ASKED, lookAtEveryStatement } from '../../support/every-statement.js';
import { openTestDatabase } from '../../support/test-database.js';

/** Rows of `coupons`, and of `failed_events`: enough for a plan to be wrong, few enough to be made in seconds. */
const ROWS = 200_000;
const CAMPAIGNS = 5_000;
/**
 * The most rows that one statement may read. Parts of 20,000 ids are the largest that a store asks for; counts and lists
 * may read a hundred rows of each status.
 */
const MAX_READ = 22_000;

/** Asked only where gate and counter disagree. */
const COUNTS = new Set(['coupons.count']);

/** With their aliases. A server reads the whole of a table that has a handful of rows, whatever indexes it has. */
const FILLED = new Set(['campaigns', 'coupons', 'failed_events', 'admin_audit', 'f', 'c']);

/** Plans that read a whole table or a whole index. Derived tables hold what their own parts let through. */
interface PlanRow {
  readonly table: string | null;
  readonly type: string | null;
  readonly Extra: string | null;
}

describe('the statements of the stores, on tables of a year', () => {
  let pool: MysqlPool;
  let drop: () => Promise<void>;

  beforeAll(async () => {
    const { url, drop: dropDatabase } = await openTestDatabase();
    drop = dropDatabase;
    pool = await MysqlPool.connect({ ...MYSQL_DEFAULTS, url, ssl: false, callMs: 60_000 }, 1);
    await migrateOn(pool);
    await pool.exclusive(fill);
  }, 180_000);
  afterAll(async () => {
    await pool.close();
    await drop();
  });

  it('read neither a whole table nor a whole index', async () => {
    const found: string[] = [];
    const seen = new Set<string>();
    await pool.exclusive(async (runner) => {
      await runner.query('START TRANSACTION');
      await lookAtEveryStatement(runner, async ({ of, sql, parameters }, run, ask) => {
        seen.add(of);
        // The plan of an INSERT of values names its table and reads nothing.
        if (/^\s*(SAVEPOINT|RELEASE|ROLLBACK|INSERT)/i.test(sql)) return run();
        const plan = (await ask(`EXPLAIN ${sql}`, parameters)) as PlanRow[];
        for (const { table, type, Extra } of plan) {
          const whole = (type === 'ALL' || type === 'index') && FILLED.has(table ?? '');
          // Without WHERE, a LIMIT ends it.
          const ended = !/\bWHERE\b/i.test(sql) && /\bLIMIT\b/i.test(sql) && !/filesort/.test(Extra ?? '');
          if (whole && !ended) found.push(`${of}: ${type} on ${table}\n${sql}`);
        }
        const before = await rowsRead(ask);
        const result = await run();
        const read = (await rowsRead(ask)) - before;
        if (read > MAX_READ && !COUNTS.has(of)) found.push(`${of}: reads ${read} rows\n${sql}`);
        return result;
      });
      await runner.query('ROLLBACK');
    });
    expect(found).toEqual([]);
    expect(seen.size).toBeGreaterThan(40);
  }, 120_000);
});

async function rowsRead(ask: (sql: string) => Promise<unknown>): Promise<number> {
  const counters = (await ask("SHOW SESSION STATUS LIKE 'Handler_read%'")) as {
    Variable_name: string;
    Value: string;
  }[];
  return counters
    .filter(({ Variable_name: name }) => !/_(deleted|retry)$/.test(name))
    .reduce((sum, { Value }) => sum + Number(Value), 0);
}

/** One campaign with nearly everything, and many small ones. Most failed events are resolved, some of each status are not. */
async function fill(runner: QueryRunner): Promise<void> {
  await runner.query('CREATE TABLE numbers (n BIGINT NOT NULL PRIMARY KEY)');
  await runner.query('INSERT INTO numbers SELECT 1');
  for (let size = 1; size < ROWS; size *= 2) {
    await runner.query(`INSERT INTO numbers SELECT n + ${size} FROM numbers WHERE n <= ${Math.min(size, ROWS - size)}`);
  }
  await runner.query(
    'INSERT INTO campaigns (id, name, total, issued, starts_at, state, version, resolved_events, created_at, updated_at) ' +
      `SELECT IF(n = 1, '${ASKED}', CONCAT('c', n)), 'c', 10000000, 0, 1, 'OPEN', 1, n % 2, n, n FROM numbers WHERE n <= ${CAMPAIGNS}`,
  );
  const campaignOf = `IF(n % 10 < 8, '${ASKED}', CONCAT('c', 2 + n % ${CAMPAIGNS - 1}))`;
  await runner.query(
    'INSERT INTO coupons (campaign_id, user_id, claim_id, code, sequence, claimed_at, created_at) ' +
      `SELECT ${campaignOf}, CONCAT('u', n), LPAD(n, 26, '0'), LPAD(n, 32, 'c'), n, n, n FROM numbers`,
  );
  const statuses = ['PENDING', 'PUBLISHING', 'REPUBLISHED', 'DEAD', 'DISCARDED'];
  await runner.query(
    'INSERT INTO failed_events (dedupe_key, claim_id, campaign_id, user_id, sequence, claimed_at, epoch, source, status, ' +
      'error_class, error_code, error_message, attempts, max_attempts, next_attempt_at, version, created_at, updated_at) ' +
      `SELECT LPAD(n, 26, '0'), LPAD(n, 26, '0'), ${campaignOf}, CONCAT('u', n), n, n, 1, 'API', ` +
      `IF(n % 1000 < ${statuses.length}, ELT(1 + n % 1000, ${statuses.map((status) => `'${status}'`).join(', ')}), 'RESOLVED'), ` +
      "'unpublished', 'log-away', '', 0, 12, n, 1, n, n FROM numbers",
  );
  await runner.query(
    'INSERT INTO admin_audit (action, subject, detail, created_at, actor_id, campaign_id) ' +
      `SELECT CONCAT('a', n % 10), n, '{}', n, CONCAT('actor', n % 100), CONCAT('c', n % 1000) FROM numbers`,
  );
  await runner.query('DROP TABLE numbers');
  await runner.query('ANALYZE TABLE campaigns, coupons, failed_events, admin_audit');
}
