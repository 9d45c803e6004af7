/**
 * Fills a MariaDB with the rows of years, and measures what grows with them: the audit, what `/metrics` asks, and what a
 * rebuild reads of the failed events. The figures stand in docs/scale.md.
 *
 *   node --import ./test/support/typescript-loader.mjs bench/size.ts --directory /tmp/size
 *
 * The directory stays: a second run on it fills nothing.
 */
import { createConnection, type Connection } from 'mysql2/promise';
import { parseArgs } from 'node:util';
import { MYSQL_DEFAULTS } from '../src/infrastructure/mysql/mysql-settings.js';
import { CouponCounts } from '../src/modules/audit/coupon-counts.js';
import { PromiseAudit } from '../src/modules/audit/promise-audit.js';
import { type EpochWatch } from '../src/modules/gate-watch/epoch-watch.js';
import { FailedEventMetrics } from '../src/modules/retry/failed-event.metrics.js';
import { systemClock } from '../src/platform/flow/clock.js';
import { systemTimers } from '../src/platform/flow/timers.js';
import { MetricsRegistry } from '../src/platform/metrics/metrics-registry.js';
import { type IssuanceGate } from '../src/ports/gate/issuance-gate.js';
import { MariadbServer } from '../stack/mariadb-server.js';
import { OwnMysqlDatabase } from '../test/support/mysql.js';

const { values: options } = parseArgs({
  options: {
    directory: { type: 'string', default: '/tmp/coupon-size' },
    coupons: { type: 'string', default: '10000000' },
    failed: { type: 'string', default: '1000000' },
  },
});
const COUPONS = Number(options.coupons);
const FAILED = Number(options.failed);
/** Rows of one INSERT. */
const PART = 500_000;
const ROUNDS = 20;

async function fill(connection: Connection): Promise<void> {
  await connection.query(
    'INSERT INTO campaigns (id, name, total, issued, starts_at, state, version, created_at, updated_at) ' +
      "SELECT IF(seq = 1, 'big', CONCAT('c', seq)), 'c', 10000000, IF(seq = 1, ?, 0), 1, 'OPEN', 1, seq, seq FROM seq_1_to_1000",
    [COUPONS],
  );
  await connection.query('SET unique_checks = 0, foreign_key_checks = 0');
  for (const part of parts(COUPONS)) {
    await connection.query(
      'INSERT INTO coupons (campaign_id, user_id, claim_id, code, sequence, claimed_at, created_at) ' +
        "SELECT 'big', CONCAT('user-', seq), LPAD(seq, 26, '0'), LPAD(seq, 32, 'c'), seq, seq, seq " +
        `FROM ${part}`,
    );
  }
  for (const part of parts(FAILED)) {
    await connection.query(
      'INSERT INTO failed_events (dedupe_key, claim_id, campaign_id, user_id, sequence, claimed_at, epoch, source, ' +
        'status, error_class, error_code, error_message, attempts, max_attempts, next_attempt_at, version, ' +
        "created_at, updated_at) SELECT LPAD(seq, 26, '0'), LPAD(seq, 26, '0'), 'big', CONCAT('user-', seq), seq, " +
        `seq, 1, 'API', 'RESOLVED', 'unpublished', 'log-away', 'no broker', 0, 12, seq, 3, seq, seq FROM ${part}`,
    );
  }
  await connection.query('UPDATE campaigns SET resolved_events = ? WHERE id = ?', [FAILED, 'big']);
  await connection.query('ANALYZE TABLE campaigns, coupons, failed_events');
}

/** Names of the sequence engine's tables. */
function* parts(rows: number): Generator<string> {
  for (let from = 1; from <= rows; from += PART) yield `seq_${from}_to_${Math.min(rows, from + PART - 1)}`;
}

async function timed(what: string, work: () => Promise<unknown>, rounds = ROUNDS): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const from = performance.now();
    await work();
    times.push(performance.now() - from);
  }
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0);
  console.log(`${what}: first ${Math.round(times[0] ?? 0)} ms, median ${at(0.5)} ms, worst ${at(1)} ms`);
}

const server = await MariadbServer.start({
  directory: options.directory,
  args: ['--innodb-buffer-pool-size=2G', '--innodb-log-file-size=1G'],
});
const database = new OwnMysqlDatabase({ ...MYSQL_DEFAULTS, url: server.url, ssl: false }, true);
const connection = await createConnection({ uri: server.url });
try {
  const began = performance.now();
  await database.onModuleInit();
  console.log(`the schema is up to date after ${Math.round(performance.now() - began)} ms`);
  const [found] = await connection.query("SELECT 1 FROM campaigns WHERE id = 'big'");
  if ((found as unknown[]).length === 0) await fill(connection);

  // Without a gate: what the audit asks of it does not grow with the rows.
  const watch = { pass: null } as EpochWatch;
  const counts = new CouponCounts(database, systemClock, systemTimers);
  const audit = new PromiseAudit(database, {} as IssuanceGate, watch, counts);
  await timed('the first audit, which counts every coupon', () => audit.audit('big'), 1);
  await timed('an audit', () => audit.audit('big'));
  await timed('what /metrics asks', async () => {
    const registry = new MetricsRegistry();
    new FailedEventMetrics(registry, database, systemClock, systemTimers);
    await registry.metrics();
  });
  await timed('failed events of a rebuild', () =>
    database.snapshot(async ({ failedEvents }) => {
      await failedEvents.highestSequences(['big']);
      await failedEvents.openClaimsAfter(0, 2_000);
    }),
  );
  console.log(JSON.stringify(await audit.audit('big')));
} finally {
  await connection.end();
  await database.onApplicationShutdown();
  await server.stop();
}
