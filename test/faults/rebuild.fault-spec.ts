import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { REBUILD_STEPS } from '../../src/modules/recovery/rebuild-probe.js';
import { freePort } from '../../stack/server-process.js';
import { Client } from '../support/client.js';
import { Cluster, type Member } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { claimsAgain, expectKept, openDrop, sellOut, usersOf } from './fault-drop.js';
import { between, fault } from './fault-test.js';

const COUNTS = { apis: 2, workers: 1 };

describe('while the gate is rebuilt', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start(COUNTS);
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(async () => {
    drop.close();
    await cluster.fill(COUNTS);
  }, 90_000);

  /**
   * Makes a process the builder that fails at this step: all others are frozen while the gate is wiped, and until the
   * builder has reached the step.
   */
  const failAt = async (point: Parameters<Cluster['addFailing']>[1]): Promise<Member> => {
    const failing = await cluster.addFailing('api', point, 1);
    await cluster.ready();
    await wipeFor(failing, () => failing.process.printed(/failpoint/));
    return failing;
  };

  /** Wipes the gate while all other processes are frozen, until the builder has done as much as `soFar` waits for. */
  const wipeFor = async (builder: Member, soFar: () => Promise<void>): Promise<void> => {
    const others = cluster.members.filter((member) => member !== builder);
    for (const { process } of others) process.signal('SIGSTOP');
    try {
      await cluster.redis(async (redis) => void (await redis.flushall()));
      await soFar();
    } finally {
      for (const { process } of others) process.signal('SIGCONT');
    }
  };

  // All steps in one test, because each rebuild has to find the claims of the steps before.
  fault(
    36,
    'a rebuild is killed after each of its steps',
    async () => {
      drop = await openDrop(cluster, 3_000);
      let [slowestMs, mended] = [0, 0];
      for (const step of REBUILD_STEPS) {
        await drop.run(cluster.client(), { users: usersOf(100, `before-${step}-`), tries: 3, width: 50 });
        const failing = await failAt(`kill-${step}`);
        await failing.process.exit();
        mended = performance.now();
        await cluster.end(failing, 'SIGKILL');
        // The dead builder's lease has to run out first.
        await claimsAgain(drop, cluster.apis(), 20_000);
        slowestMs = Math.max(slowestMs, performance.now() - mended);
      }
      process.stdout.write(`claims again after ${Math.round(slowestMs)} ms at the most\n`);
      await drop.run(cluster.client(), { users: usersOf(3_000, 'after-'), tries: 3, width: 100 });
      await sellOut(cluster, drop);
      await expectKept(cluster, drop, 20_000, { mended });
    },
    { slow: true, timeoutMs: 500_000 },
  );

  fault(36, 'a builder is stopped in the middle and goes on when another one has built', async () => {
    drop = await openDrop(cluster, 500);
    await drop.run(cluster.client(), { users: usersOf(200), tries: 3, width: 50 });
    const steps = REBUILD_STEPS.filter((step) => step !== 'opened');
    const step = steps[between(0, steps.length - 1)] ?? 'log-read';
    const failing = await failAt(`stop-${step}`);
    const others = cluster.apis().filter((member) => member !== failing);
    const alive = new Client(...others.map(({ url }) => url));
    await claimsAgain(drop, others, 20_000);
    // The new gate is sold out when the old builder wakes up. Nothing that it does may make room in the new gate.
    await drop.run(alive, { users: usersOf(1_000, 'meanwhile-'), tries: 3, width: 50 });
    failing.process.signal('SIGCONT');
    const mended = performance.now();
    await drop.run(cluster.client(), { users: usersOf(300, 'after-'), tries: 3, width: 50 });
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 20_000, { mended });
    await cluster.ready();
    await cluster.end(failing, 'SIGTERM');
  });

  fault(36, 'a builder that has no way to the log keeps nobody else from building', async () => {
    drop = await openDrop(cluster, 1_000);
    await drop.run(cluster.client(), { users: usersOf(200), tries: 3, width: 50 });
    const healthy = cluster.apis();
    const lost = await cluster.add('api', { KAFKA_BROKERS: `127.0.0.1:${await freePort()}` });
    await lost.process.printed(/listening on http/);
    let mended = 0;
    for (let round = 0; round < 3; round++) {
      const before = await cluster.epoch();
      // The builder has taken the lease each time.
      await wipeFor(lost, () => eventually(async () => expect(await cluster.epoch()).toBeGreaterThan(before), 30_000));
      mended = performance.now();
      await claimsAgain(drop, healthy, 20_000);
    }
    await cluster.end(lost, 'SIGTERM');
    await drop.run(cluster.client(), { users: usersOf(1_500, 'after-'), tries: 3, width: 50 });
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 20_000, { mended });
  });

  fault(
    36,
    'Redis restarts before the sweeper has found what a killed api left: the rebuild takes it over',
    async () => {
      const failing = await cluster.addFailing('api', 'kill-before-publish', 2);
      await cluster.ready();
      drop = await openDrop(cluster, 100);
      // The sweeper lives in the workers, and no worker is needed to rebuild.
      for (const worker of cluster.workers()) await cluster.end(worker, 'SIGKILL');
      // They ask at once, so the gate admits several of them in the call before the second claim is published.
      const dying = drop.run(new Client(failing.url), { users: usersOf(20, 'dead-'), tries: 1, width: 20 });
      await failing.process.exit();
      await cluster.end(failing, 'SIGKILL');
      await dying;
      const users = usersOf(150);
      await drop.run(cluster.client(), { users, tries: 3, width: 50 });
      expect(drop.calls.filter(({ word }) => word === '409 sold-out').length).toBeGreaterThanOrEqual(50);

      const before = await cluster.epoch();
      await cluster.servers.redis.kill();
      await cluster.servers.redis.start();
      await claimsAgain(drop, cluster.apis(), 20_000);
      expect(await cluster.epoch()).toBeGreaterThan(before);
      const taken = await cluster.rows(
        'SELECT user_id, claim_id, sequence FROM failed_events ' +
          "WHERE campaign_id = ? AND source = 'SWEEPER' AND error_code = 'taken-over' ORDER BY sequence",
        [drop.campaignId],
      );
      expect(taken.length).toBeGreaterThan(0);
      expect(taken.filter(({ user_id: user }) => !String(user).startsWith('dead-'))).toEqual([]);
      // Of those who have heard that all is sold, and of those who come now, none gets what the dead api had admitted.
      const soldOut = drop.calls.length;
      await drop.run(cluster.client(), { users: [...users.slice(-50), ...usersOf(50, 'later-')], tries: 1, width: 20 });
      const words = new Set(drop.calls.slice(soldOut).map(({ word }) => word));
      expect([...words].filter((word) => word !== '409 already-claimed')).toEqual(['409 sold-out']);

      const mended = performance.now();
      await cluster.fill(COUNTS);
      await expectKept(cluster, drop, 30_000, { mended, killed: true });
      const coupons = await cluster.rows(
        "SELECT user_id, claim_id, sequence FROM coupons WHERE campaign_id = ? AND user_id LIKE 'dead-%' ORDER BY sequence",
        [drop.campaignId],
      );
      expect(coupons).toEqual(expect.arrayContaining(taken));
    },
  );

  fault(36, 'no worker lives during the rebuild', async () => {
    drop = await openDrop(cluster, 500);
    await drop.run(cluster.client(), { users: usersOf(200), tries: 3, width: 50 });
    for (const worker of cluster.workers()) await cluster.end(worker, 'SIGKILL');
    await drop.run(cluster.client(), { users: usersOf(100, 'unread-'), tries: 3, width: 50 });
    await cluster.redis(async (redis) => void (await redis.flushall()));
    await claimsAgain(drop, cluster.apis(), 20_000);
    await drop.run(cluster.client(), { users: usersOf(1_000, 'after-'), tries: 3, width: 50 });
    const mended = performance.now();
    await cluster.fill(COUNTS);
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 20_000, { mended });
  });
});
