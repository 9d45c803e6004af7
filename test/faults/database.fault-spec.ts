import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { type Connection, createConnection } from 'mysql2/promise';
import { MYSQL_DEFAULTS } from '../../src/infrastructure/database/mysql/mysql-settings.js';
import { Cluster } from '../support/cluster.js';
import { type Call, type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { groupMembers } from '../support/topic.js';
import { duringDrop, expectKept, openDrop, passed, sellOut, usersOf, withTrickle } from './fault-drop.js';
import { between, fault, isLeftOut, recordP99 } from './fault-test.js';
import { DATABASE_FAULTS, execute } from './strikes.js';

/** What one process may have open, and a connection of an administrator or of a server's own. */
const CONNECTIONS = MYSQL_DEFAULTS.connections + MYSQL_DEFAULTS.readConnections + MYSQL_DEFAULTS.urgentConnections;

describe('while claims come in', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start({ apis: 2, workers: 2 });
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(() => drop.close());

  const noFailedEvent = async () => {
    const rows = await cluster.rows('SELECT status, error_code FROM failed_events WHERE campaign_id = ?', [
      drop.campaignId,
    ]);
    expect(rows).toEqual([]);
  };

  for (const { row, what, strike, slow = false, ...deadlines } of DATABASE_FAULTS) {
    const run = async () => {
      const { brokers } = cluster.servers.kafka;
      drop = await openDrop(cluster, 1_000);
      const members = await eventually(() => groupMembers(brokers), 20_000);
      await duringDrop(cluster, drop, strike, deadlines);
      await noFailedEvent();
      // Nobody was given another id: a worker that waits for the database is no dead one.
      if (row === 25) expect(await eventually(() => groupMembers(brokers), 20_000)).toEqual(members);
      const sessions = (await cluster.rows('SHOW PROCESSLIST')).filter(({ User }) => User === 'service');
      expect(sessions.length).toBeLessThanOrEqual(4 * CONNECTIONS);
    };
    fault(row, what, run, { slow, timeoutMs: 240_000 });
  }

  for (const { seconds, slow } of [
    { seconds: 20, slow: false },
    { seconds: 180, slow: true },
  ]) {
    fault(
      24,
      `the database is killed with -9 for ${seconds} s, and claims are promised all the time`,
      async () => {
        drop = await openDrop(cluster, 3_000);
        const client = cluster.client();
        await drop.run(client, { users: usersOf(500, 'before-'), tries: 3, width: 20 });
        const beforeMs = percentile(drop.calls, 0.99);
        const callsBefore = drop.calls.length;
        await cluster.servers.mariadb.kill();
        const back = performance.now() + seconds * 1_000;
        for (let n = 0; n < 20; n++) {
          await drop.run(client, { users: usersOf(100, `away-${n}-`), tries: 3, width: 20 });
          // Spread over the whole time.
          await passed(Math.max(0, (back - performance.now()) / (20 - n)));
        }
        const promisedMeanwhile = drop.promised().length - 500;
        recordP99({ beforeMs, duringMs: percentile(drop.calls.slice(callsBefore), 0.99) });
        await cluster.servers.mariadb.start();
        const mended = performance.now();
        expect(promisedMeanwhile).toBe(2_000);
        await drop.run(client, { users: usersOf(1_000, 'after-'), tries: 3, width: 20 });
        await sellOut(cluster, drop);
        await expectKept(cluster, drop, 40_000, { mended });
        await noFailedEvent();
      },
      { slow, timeoutMs: 400_000 },
    );
  }

  fault(25, 'the host of a worker freezes while it holds the campaign’s row, and the others go on', async () => {
    // Its first batch: on a fast machine three workers share a drop in so few that it may have no second one.
    const failing = await cluster.addFailing('worker', 'stop-holding-campaign', 1);
    await cluster.ready();
    drop = await openDrop(cluster, 1_000);
    const running = drop.run(cluster.client(), { users: usersOf(5_000), tries: 3, width: 100 });
    await failing.process.printed(/failpoint/);
    const frozen = performance.now();
    const rowsAtOnce = await couponsOf(drop);
    // The server ends a silent session after 10 s; only then can anybody have the row.
    await eventually(async () => expect(await couponsOf(drop)).toBeGreaterThan(rowsAtOnce), 15_000);
    await running;
    await sellOut(cluster, drop);
    await eventually(async () => expect(await couponsOf(drop)).toBe(1_000), 30_000);
    failing.process.signal('SIGCONT');
    await expectKept(cluster, drop, 45_000, { mended: frozen });
    await noFailedEvent();
    await cluster.end(failing, 'SIGKILL');
  });

  const couponsOf = async ({ campaignId }: Drop): Promise<number> => {
    const [row] = await cluster.rows('SELECT COUNT(*) AS count FROM coupons WHERE campaign_id = ?', [campaignId]);
    return Number(row?.['count']);
  };

  /** How often the server has ended a deadlock, and a wait that lasted for too long (1205). */
  const lockTroubles = async () => {
    const [row] = await cluster.rows(
      `SELECT SUM(IF(NAME = 'lock_deadlocks', COUNT, 0)) AS deadlocks, SUM(IF(NAME = 'lock_timeouts', COUNT, 0)) AS timeouts
       FROM information_schema.INNODB_METRICS`,
    );
    return { deadlocks: Number(row?.['deadlocks']), timeouts: Number(row?.['timeouts']) };
  };

  fault(26, 'deadlocks and lock waits are forced, and nothing becomes a failed event', async () => {
    await execute(
      cluster,
      ...['lock_deadlocks', 'lock_timeouts'].map((name) => `SET GLOBAL innodb_monitor_enable = ${name}`),
    );
    const before = await lockTroubles();
    drop = await openDrop(cluster, 4_000);
    const client = cluster.client();
    const disturber = await createConnection({ uri: cluster.servers.mariadb.url });
    try {
      await withTrickle(drop, client, async () => {
        for (let n = 0; n < 20; n++) {
          await disturber.beginTransaction();
          // The other way round than the service: the campaign first, then the gate row.
          await disturber.query('SELECT id FROM campaigns WHERE id = ? FOR UPDATE', [drop.campaignId]);
          await passed(between(1, 50));
          await disturber.query('SELECT * FROM gate FOR UPDATE').catch(() => undefined);
          await passed(between(1, 100));
          await disturber.rollback().catch(() => undefined);
        }
        await disturber.beginTransaction();
        await disturber.query('SELECT id FROM campaigns WHERE id = ? FOR UPDATE', [drop.campaignId]);
        // The service's sessions wait for a lock for 3 s.
        await eventually(async () => {
          expect((await lockTroubles()).timeouts).toBeGreaterThan(before.timeouts);
        }, 10_000);
        await disturber.rollback();
      });
    } finally {
      await disturber.end();
    }
    const mended = performance.now();
    expect((await lockTroubles()).deadlocks).toBeGreaterThan(before.deadlocks);
    await drop.run(client, { users: usersOf(5_000), tries: 3, width: 50 });
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 30_000, { mended });
    await noFailedEvent();
  });

  fault(27, 'others have taken every connection of the server for 20 s', async () => {
    drop = await openDrop(cluster, 1_000);
    const others: Connection[] = [];
    const strike = async () => {
      const uri = cluster.servers.mariadb.serviceUrl;
      const [most] = await cluster.rows('SELECT @@max_connections AS most');
      const administrator = await createConnection({ uri: cluster.servers.mariadb.url });
      try {
        await administrator.query('SET GLOBAL max_connections = 10');
        const until = performance.now() + 20_000;
        // Whatever the service gives up is taken at once.
        for (let n = 0; performance.now() < until && n < 1_000; n++) {
          await administrator.query('KILL USER service').catch(() => undefined);
          await createConnection({ uri }).then(
            (connection) => void others.push(connection.on('error', () => undefined) as Connection),
            () => undefined,
          );
          await passed(50);
        }
        await administrator.query(`SET GLOBAL max_connections = ${Number(most?.['most'])}`);
      } finally {
        await administrator.end();
        for (const other of others.splice(0)) other.destroy();
      }
    };
    await duringDrop(cluster, drop, strike, { claimsAgainMs: 5_000, keptMs: 30_000 });
    await noFailedEvent();
  });
});

const FULL = 'the database is full for 20 s';

function onADiskOfItsOwn(): void {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    // All tables share one file that may not grow for ever: full is full, with error 1114 as on a full disk. The undo
    // log lies elsewhere, or not even the table that fills it could be dropped.
    cluster = await Cluster.start(
      { apis: 1, workers: 1 },
      {},
      {
        mariadb: [
          '--innodb-file-per-table=0',
          '--innodb-data-file-path=ibdata1:12M:autoextend:max:64M',
          '--innodb-undo-tablespaces=3',
        ],
      },
    );
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(() => drop.close());

  fault(27, FULL, async () => {
    drop = await openDrop(cluster, 1_000);
    const strike = async () => {
      await execute(cluster, 'CREATE TABLE filler (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(7500))');
      const until = performance.now() + 20_000;
      let full = false;
      for (let count = 500; performance.now() < until;) {
        try {
          await execute(cluster, `INSERT INTO filler (text) SELECT REPEAT('x', 7500) FROM seq_1_to_${count}`);
        } catch (error) {
          if ((error as { errno?: number }).errno !== 1114) throw error;
          full = true;
          // Fewer and fewer, until nothing has room.
          count = Math.max(1, Math.floor(count / 2));
          await passed(20);
        }
      }
      expect(full).toBe(true);
      // To drop it takes room too, which comes free when the rows have been purged.
      await execute(cluster, 'DELETE FROM filler');
      await eventually(() => execute(cluster, 'DROP TABLE filler'), 20_000);
    };
    await duringDrop(cluster, drop, strike, { claimsAgainMs: 5_000, keptMs: 30_000 });
    expect(await cluster.rows('SELECT status, error_code FROM failed_events')).toEqual([]);
  });
}

// Jest refuses a describe without a test.
if (!isLeftOut(FULL)) describe('on a disk of its own', onADiskOfItsOwn);

function percentile(calls: readonly Call[], share: number): number {
  const sorted = calls.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
