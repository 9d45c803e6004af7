import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { MYSQL_DEFAULTS } from '../../src/infrastructure/mysql/mysql-settings.js';
import { Cluster } from '../support/cluster.js';
import { type Call, type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { allSettled, groupMembers, moveGroupToStart } from '../support/topic.js';
import {
  claimsAgain,
  duringDrop,
  expectKept,
  openDrop,
  passed,
  portionsUntil,
  sellOut,
  sellsOn,
  type Strike,
  usersOf,
  withTrickle,
} from './fault-drop.js';
import { between, fault, isLeftOut, recordP99 } from './fault-test.js';
import { DATABASE_FAULTS, execute } from './strikes.js';

/** How many connections one process may have open. */
const CONNECTIONS = MYSQL_DEFAULTS.connections + MYSQL_DEFAULTS.readConnections + MYSQL_DEFAULTS.urgentConnections;

async function noFailedEvent(cluster: Cluster, { campaignId }: Drop): Promise<void> {
  const rows = await cluster.rows('SELECT status, error_code FROM failed_events WHERE campaign_id = ?', [campaignId]);
  expect(rows).toEqual([]);
}

async function couponsOf(cluster: Cluster, { campaignId }: Drop): Promise<number> {
  const [row] = await cluster.rows('SELECT COUNT(*) AS count FROM coupons WHERE campaign_id = ?', [campaignId]);
  return Number(row?.['count']);
}

describe('while claims come in', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start({ apis: 2, workers: 2 });
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(() => drop.close());

  for (const { row, what, strike, slow = false, ...deadlines } of DATABASE_FAULTS) {
    const run = async () => {
      const { brokers } = cluster.servers.kafka;
      drop = await openDrop(cluster, 1_000);
      const members = await eventually(() => groupMembers(brokers), 20_000);
      let mendedAt = Infinity;
      const timed: Strike = async (...scene) => {
        await strike(...scene);
        mendedAt = Date.now();
      };
      await duringDrop(cluster, drop, timed, deadlines);
      // The fault really happened: claims that were promised during it got their rows only after its end.
      const [late] = await cluster.rows(
        'SELECT COUNT(*) AS count FROM coupons WHERE campaign_id = ? AND created_at >= ?',
        [drop.campaignId, mendedAt],
      );
      expect(Number(late?.['count'])).toBeGreaterThan(0);
      await noFailedEvent(cluster, drop);
      // The group members are the same: a worker that waits for the database does not lose its membership.
      if (row === 25) expect(await eventually(() => groupMembers(brokers), 20_000)).toEqual(members);
      const sessions = (await cluster.rows('SHOW PROCESSLIST')).filter(({ User }) => User === 'service');
      expect(sessions.length).toBeLessThanOrEqual(4 * CONNECTIONS);
      // No connection went back to the pool with an unfinished transaction. InnoDB repeats its last answer if it is
      // asked again within 0.1 s.
      await eventually(async () => {
        await passed(200);
        expect(await cluster.rows('SELECT * FROM information_schema.INNODB_TRX')).toEqual([]);
      });
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
        drop = await openDrop(cluster, 5_000);
        const client = cluster.client();
        // As many callers as during the fault, once the processes are warm.
        await drop.run(client, { users: usersOf(500, 'first-'), tries: 3, width: 20 });
        const warm = drop.calls.length;
        await portionsUntil(drop, client, performance.now() + 5_000, 'before');
        const beforeMs = percentile(drop.calls.slice(warm), 0.99);
        const callsBefore = drop.calls.length;
        const back = performance.now() + seconds * 1_000;
        const portions = portionsUntil(drop, client, back);
        await passed(between(0, 50));
        await cluster.servers.mariadb.kill();
        const promised = await portions;
        recordP99({ beforeMs, duringMs: percentile(drop.calls.slice(callsBefore), 0.99) });
        await cluster.servers.mariadb.start();
        const mended = performance.now();
        expect(promised).toEqual(Array.from({ length: 20 }, () => 100));
        await drop.run(client, { users: usersOf(1_000, 'after-'), tries: 3, width: 20 });
        await sellOut(cluster, drop);
        await expectKept(cluster, drop, 40_000, { mended });
        await eventually(() => allSettled(cluster.servers.kafka.brokers), 5_000);
        await noFailedEvent(cluster, drop);
      },
      { slow, timeoutMs: 400_000 },
    );
  }

  fault(25, 'the host of a worker freezes while it holds the campaign’s row, and the others go on', async () => {
    const { brokers } = cluster.servers.kafka;
    // Otherwise the first batch of the new worker could be one that is delivered again.
    await eventually(() => allSettled(brokers), 20_000);
    // In its first batch: on a fast machine three workers need so few batches that it may have no second one.
    const failing = await cluster.addFailing('worker', 'stop-holding-campaign', 1);
    await cluster.ready();
    // Wait until it has partitions, or the others may have consumed the whole drop.
    await eventually(() => expect(failing.process.text).toMatch(/consumes partitions/), 30_000);
    drop = await openDrop(cluster, 1_000);
    const running = drop.run(cluster.client(), { users: usersOf(5_000), tries: 3, width: 100 });
    await failing.process.printed(/failpoint/);
    const frozen = performance.now();
    const rowsAtOnce = await couponsOf(cluster, drop);
    // The server ends a silent session after 10 s. Only then can another worker lock the row.
    await eventually(async () => expect(await couponsOf(cluster, drop)).toBeGreaterThan(rowsAtOnce), 15_000);
    await running;
    await sellOut(cluster, drop);
    await eventually(async () => expect(await couponsOf(cluster, drop)).toBe(1_000), 30_000);
    failing.process.signal('SIGCONT');
    // The worker finds its session ended and its batch done, and is one of three members again.
    await eventually(async () => expect(await groupMembers(brokers)).toHaveLength(3), 20_000);
    await sellsOn(cluster);
    await expectKept(cluster, drop, 45_000, { mended: frozen });
    await noFailedEvent(cluster, drop);
    await cluster.end(failing, 'SIGTERM');
  });

  fault(
    44,
    'the database is restored from a back-up under the running service, and the log is read again',
    async () => {
      const { servers } = cluster;
      drop = await openDrop(cluster, 1_000);
      const sell = async (prefix: string, count: number) => {
        await drop.run(cluster.client(), { users: usersOf(300, prefix), tries: 3, width: 50 });
        await eventually(async () => expect(await couponsOf(cluster, drop)).toBe(count), 30_000);
      };
      await sell('kept-', 300);
      const backUp = await servers.mariadb.dump();
      await sell('gone-', 600);
      const before = await cluster.epoch();
      await servers.mariadb.restore(backUp);
      expect(await couponsOf(cluster, drop)).toBe(300);
      // Without a claim: the comparison of gate and database notices it.
      await eventually(async () => expect(await cluster.epoch()).toBeGreaterThan(before), 60_000);
      expect([...cluster.apis(), ...cluster.workers()].map(({ process }) => process.text).join('')).toMatch(
        /unexplained/,
      );
      // What operations.md tells the operator to do. The topic still has the claims.
      for (const member of [...cluster.apis(), ...cluster.workers()]) await cluster.end(member, 'SIGTERM');
      await eventually(() => moveGroupToStart(servers.kafka.brokers), 30_000);
      await cluster.redis((redis) => redis.script('FLUSH', 'SYNC'));
      const mended = performance.now();
      await cluster.fill({ apis: 2, workers: 2 });
      await eventually(async () => expect(await couponsOf(cluster, drop)).toBe(600), 30_000);
      await drop.run(cluster.client(), { users: usersOf(1_000, 'after-'), tries: 3, width: 50 });
      await sellOut(cluster, drop);
      await expectKept(cluster, drop, 60_000, { mended });
      await sellsOn(cluster);
    },
  );

  /** How often the server has ended a deadlock, and a wait that was too long (1205). */
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
    // In a deadlock the server ends the transaction with fewer changes. With these changes, that is not the test's one.
    await execute(cluster, 'CREATE TABLE weight (id INT AUTO_INCREMENT PRIMARY KEY)');
    let own = 0;
    try {
      await withTrickle(drop, client, async () => {
        for (let n = 0; n < 20; n++) {
          await disturber.beginTransaction();
          await disturber.query('INSERT INTO weight SELECT NULL FROM seq_1_to_1000');
          // In the opposite order from the service: the campaign first, then the gate row.
          await disturber.query('SELECT id FROM campaigns WHERE id = ? FOR UPDATE', [drop.campaignId]);
          await passed(between(1, 50));
          await disturber.query('SELECT * FROM gate FOR UPDATE').catch(({ errno }: { errno?: number }) => {
            if (errno === 1213) own += 1;
          });
          await passed(between(1, 100));
          await disturber.rollback().catch(() => undefined);
        }
        await disturber.beginTransaction();
        await disturber.query('SELECT id FROM campaigns WHERE id = ? FOR UPDATE', [drop.campaignId]);
        // The service's sessions wait 3 s for a lock.
        await eventually(async () => {
          expect((await lockTroubles()).timeouts).toBeGreaterThan(before.timeouts);
        }, 10_000);
        await disturber.rollback();
      });
    } finally {
      await disturber.end();
      await execute(cluster, 'DROP TABLE weight');
    }
    const mended = performance.now();
    expect((await lockTroubles()).deadlocks - before.deadlocks - own).toBeGreaterThan(0);
    await drop.run(client, { users: usersOf(5_000), tries: 3, width: 50 });
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 30_000, { mended });
    await noFailedEvent(cluster, drop);
  });

  fault(27, 'others have taken every connection of the server for 20 s', async () => {
    drop = await openDrop(cluster, 1_000);
    const administrator = await createConnection({ uri: cluster.servers.mariadb.url });
    await administrator.query("CREATE USER others@'127.0.0.1' IDENTIFIED BY 'others'");
    const { hostname: host, port } = new URL(cluster.servers.mariadb.url);
    const somebody = { host, port: Number(port), user: 'others', password: 'others' };
    const others: Connection[] = [];
    /** @returns true if a connection was free. */
    const take = () =>
      createConnection(somebody).then(
        (connection) => {
          others.push(connection.on('error', () => undefined) as Connection);
          return true;
        },
        ({ errno }: { errno?: number }) => {
          if (errno !== 1040) throw new Error(`taking a connection failed with ${errno}`);
          return false;
        },
      );
    const [most] = await cluster.rows('SELECT @@max_connections AS most');
    const look = async () => {
      const [[row]] = await administrator.query<RowDataPacket[]>(
        `SELECT (SELECT COUNT(*) FROM coupon.coupons WHERE campaign_id = ?) AS coupons,
           (SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = 'service') AS sessions`,
        [drop.campaignId],
      );
      return { coupons: Number(row?.['coupons']), sessions: Number(row?.['sessions']) };
    };
    const client = cluster.client();
    await drop.run(client, { users: usersOf(300, 'before-'), tries: 3, width: 50 });
    try {
      await administrator.query('SET GLOBAL max_connections = 20');
      // Take every connection that the service gives back, until it has none.
      const lockOut = async () => {
        const { sessions } = await look();
        if (sessions > 0) await administrator.query('KILL USER service').catch(() => undefined);
        while (await take());
        return sessions === 0;
      };
      await eventually(async () => expect(await lockOut()).toBe(true));
      const { coupons } = await look();
      const running = drop.run(client, { users: usersOf(600), tries: 3, width: 50 });
      for (const until = performance.now() + 20_000; performance.now() < until;) {
        await lockOut();
        await passed(50);
      }
      await running;
      // These claims are promised, but cannot be stored yet.
      expect(drop.promised()).toHaveLength(900);
      expect((await look()).coupons).toBe(coupons);
      expect(coupons).toBeLessThanOrEqual(300);
    } finally {
      await administrator.query(`SET GLOBAL max_connections = ${Number(most?.['most'])}`);
      for (const other of others.splice(0)) other.destroy();
      await administrator.query("DROP USER others@'127.0.0.1'");
      await administrator.end();
    }
    const mended = performance.now();
    await claimsAgain(drop, cluster.apis(), 5_000);
    await drop.run(client, { users: usersOf(1_000, 'after-'), tries: 3, width: 50 });
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 30_000, { mended });
    await sellsOn(cluster);
    await noFailedEvent(cluster, drop);
  });
});

const FULL = 'the database is full for 20 s';

function onADiskOfItsOwn(): void {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    // All tables share one file with a limit. When it is full, the server reports error 1114 as on a full disk. The
    // undo log lies elsewhere, or even the table that fills the file could not be dropped.
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
    // More rows than the existing pages of the table can hold.
    drop = await openDrop(cluster, 10_000);
    const client = cluster.client();
    await drop.run(client, { users: usersOf(500, 'before-'), tries: 3, width: 50 });
    await execute(
      cluster,
      'DROP TABLE IF EXISTS filler',
      'CREATE TABLE filler (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(7500))',
    );
    let rows = 500;
    /** @returns true if there was no room for a single row. */
    const takeRoom = async (): Promise<boolean> => {
      try {
        await execute(cluster, `INSERT INTO filler (text) SELECT REPEAT('x', 7500) FROM seq_1_to_${rows}`);
        return false;
      } catch (error) {
        if ((error as { errno?: number }).errno !== 1114) throw error;
        const none = rows === 1;
        // Insert fewer and fewer rows, until there is no room.
        rows = Math.max(1, Math.floor(rows / 2));
        return none;
      }
    };
    while (!(await takeRoom()));
    const running = drop.run(client, { users: usersOf(8_000), tries: 3, width: 50 });
    const until = performance.now() + 20_000;
    let [coupons, since] = [-1, performance.now()];
    while (performance.now() < until) {
      await takeRoom();
      const count = await couponsOf(cluster, drop);
      if (count !== coupons) [coupons, since] = [count, performance.now()];
      await passed(20);
    }
    await running;
    // The claims that were promised during the fault are not stored, because there is no room.
    expect(drop.promised()).toHaveLength(8_500);
    expect(coupons).toBeLessThan(8_500);
    expect(performance.now() - since).toBeGreaterThan(5_000);
    await execute(cluster, 'DELETE FROM filler');
    const mended = performance.now();
    await drop.run(client, { users: usersOf(2_000, 'after-'), tries: 3, width: 50 });
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 30_000, { mended });
    await noFailedEvent(cluster, drop);
    await sellsOn(cluster);
    // Dropping the table needs room too. Room becomes free when the server has purged the rows.
    await eventually(() => execute(cluster, 'DROP TABLE filler'), 20_000);
  });
}

// Jest refuses a describe without a test.
if (!isLeftOut(FULL)) describe('on a disk of its own', onADiskOfItsOwn);

function percentile(calls: readonly Call[], share: number): number {
  const sorted = calls.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
