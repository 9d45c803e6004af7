import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createConnection } from 'mysql2/promise';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { expectKept } from '../support/oracle.js';
import { announceSeed, between, duringDrop, openDrop, passed, sellOut, SLOWEST_MS, usersOf } from './fault-drop.js';

describe('while claims come in, the database', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    announceSeed();
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

  /** One statement by an administrator. */
  const execute = async (sql: string) => {
    const connection = await createConnection({ uri: cluster.servers.mariadb.url });
    try {
      await connection.query(sql);
    } finally {
      await connection.end();
    }
  };

  it('is killed with -9 for a minute, and claims are promised all the time', async () => {
    drop = await openDrop(cluster, 3_000);
    const client = cluster.client();
    await drop.run(client, { users: usersOf(500, 'before-'), tries: 3, width: 20 });
    await cluster.servers.mariadb.kill();
    const back = performance.now() + 60_000;
    for (let n = 0; performance.now() < back && n < 20; n++) {
      await drop.run(client, { users: usersOf(100, `away-${n}-`), tries: 3, width: 20 });
    }
    const promisedMeanwhile = drop.promised().length - 500;
    await passed(Math.max(0, back - performance.now()));
    await cluster.servers.mariadb.start();
    expect(promisedMeanwhile).toBe(2_000);
    await drop.run(client, { users: usersOf(1_000, 'after-'), tries: 3, width: 20 });
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 40_000);
    expect(drop.undocumented()).toEqual([]);
    expect(drop.slowestMs).toBeLessThan(SLOWEST_MS);
    await noFailedEvent();
  }, 240_000);

  it('is frozen for 30 s', async () => {
    drop = await openDrop(cluster, 1_000);
    await duringDrop(
      cluster,
      drop,
      async () => {
        cluster.servers.mariadb.pause();
        await passed(30_000);
        cluster.servers.mariadb.resume();
      },
      { claimsAgainMs: 5_000, keptMs: 45_000 },
    );
    await noFailedEvent();
    const connections = await cluster.rows('SHOW PROCESSLIST');
    // Ten for each process at the most, and ours.
    expect(connections.length).toBeLessThan(4 * 12);
  }, 240_000);

  it.each([
    ['is read-only', 'SET GLOBAL read_only = 1', 'SET GLOBAL read_only = 0'],
    ['loses its table', 'RENAME TABLE coupons TO coupons_away', 'RENAME TABLE coupons_away TO coupons'],
  ])(
    '%s for 20 s, and nothing becomes a failed event',
    async (_what, breakIt, mendIt) => {
      drop = await openDrop(cluster, 1_000);
      await duringDrop(
        cluster,
        drop,
        async () => {
          await execute(breakIt);
          await passed(20_000);
          await execute(mendIt);
        },
        { claimsAgainMs: 5_000, keptMs: 45_000 },
      );
      await noFailedEvent();
    },
    180_000,
  );

  it('forces deadlocks and lock waits, and nothing becomes a failed event', async () => {
    drop = await openDrop(cluster, 1_000);
    const disturber = await createConnection({ uri: cluster.servers.mariadb.url });
    const running = drop.run(cluster.client(), { users: usersOf(3_000), tries: 3, width: 50 });
    try {
      for (let n = 0; n < 20; n++) {
        await disturber.beginTransaction();
        // The other way round than the service: the campaign first, then the gate row.
        await disturber.query('SELECT id FROM campaigns WHERE id = ? FOR UPDATE', [drop.campaignId]);
        await passed(between(1, 50));
        await disturber.query('SELECT * FROM gate FOR UPDATE').catch(() => undefined);
        await passed(between(1, 100));
        await disturber.rollback().catch(() => undefined);
      }
    } finally {
      await disturber.end();
    }
    await running;
    await sellOut(cluster, drop);
    await eventually(noFailedEvent);
    await expectKept(cluster, drop, 30_000);
  }, 180_000);
});
