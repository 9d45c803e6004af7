import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { rmSync } from 'node:fs';
import { MYSQL_DEFAULTS } from '../../src/infrastructure/mysql/mysql-settings.js';
import { Client } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { groupMembers, readTopic } from '../support/topic.js';
import {
  answered,
  duringDrop,
  expectKept,
  openDrop,
  passed,
  sellOut,
  sellsOn,
  usersOf,
  withTrickle,
} from './fault-drop.js';
import { between, fault } from './fault-test.js';
import { lastOf, lastWith, PROCESS_FAULTS } from './strikes.js';

const COUNTS = { apis: 2, workers: 2 };

describe('with two apis and two workers', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start(COUNTS);
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(async () => {
    drop.close();
    // Replace the processes that a test has ended, for the next test.
    await cluster.fill(COUNTS);
  }, 90_000);

  for (const { row, what, strike, ...deadlines } of PROCESS_FAULTS) {
    fault(row, what, async () => {
      drop = await openDrop(cluster, 1_000);
      await duringDrop(cluster, drop, strike, deadlines);
      if (row !== 21) return;
      // Claims on its partitions had to wait until another worker got the partitions.
      const [late] = await cluster.rows(
        'SELECT COUNT(*) AS count FROM coupons WHERE campaign_id = ? AND created_at - claimed_at > 5000',
        [drop.campaignId],
      );
      expect(Number(late?.['count'])).toBeGreaterThan(0);
      // The worker that wakes up becomes a member again, and gets its share of the next claims.
      const { brokers } = cluster.servers.kafka;
      await eventually(async () => expect(await groupMembers(brokers)).toHaveLength(COUNTS.workers), 20_000);
      await sellsOn(cluster);
    });
  }

  fault(1, '1,000 users at once for 100 coupons: exactly 100', async () => {
    drop = await openDrop(cluster, 100);
    await drop.run(cluster.client(), { users: usersOf(1_000), tries: 1, width: 1_000 });
    const mended = performance.now();
    expect(drop.tally()).toEqual({ '202': 100, '409 sold-out': 900 });
    await expectKept(cluster, drop, 5_000, { mended });
  });

  fault(1, '5,000 users with three tries each in parallel: exactly the total', async () => {
    drop = await openDrop(cluster, 1_000);
    const users = usersOf(5_000);
    // Every user asks three times, whatever the answer is.
    const eager = users.flatMap((user) => [user, user, user]);
    await drop.run(cluster.client(), { users: eager, tries: 1, width: 200 });
    const mended = performance.now();
    const { '202': promised, '409 already-claimed': again, '409 sold-out': soldOut, ...others } = drop.tally();
    expect(others).toEqual({});
    expect([promised, (again ?? 0) + (soldOut ?? 0)]).toEqual([1_000, 14_000]);
    await expectKept(cluster, drop, 5_000, { mended });
  });

  fault(1, 'one user on both apis at once: one coupon, one answer 202', async () => {
    drop = await openDrop(cluster, 10);
    const client = cluster.client();
    await Promise.all(Array.from({ length: 500 }, () => drop.press(client, 'eager')));
    expect(drop.tally()).toEqual({ '202': 1, '409 already-claimed': 499 });
    await eventually(async () => expect(await client.audit(drop.campaignId)).toMatchObject({ rows: 1, drift: 0 }));
    await expectKept(cluster, drop, 5_000);
  });

  fault(2, 'an api is killed between gate and log', async () => {
    const failing = await cluster.addFailing('api', 'kill-before-publish', between(50, 200));
    await cluster.ready();
    drop = await openDrop(cluster, 1_000);
    const strike = async () => {
      await failing.process.exit();
      await cluster.end(failing, 'SIGKILL');
    };
    await duringDrop(cluster, drop, strike, { claimsAgainMs: 2_500, keptMs: 30_000, killed: true });
  });

  fault(3, 'an api is killed between log and answer: asking again shows the same claim', async () => {
    const failing = await cluster.addFailing('api', 'kill-after-publish', 1);
    await cluster.ready();
    drop = await openDrop(cluster, 10);
    expect(await drop.press(new Client(failing.url), 'unlucky')).toBe('no answer');
    const died = performance.now();
    await cluster.end(failing, 'SIGKILL');
    const again = await cluster.client().apply('unlucky', drop.campaignId);
    expect(again.body).toMatchObject({ code: 'already-claimed', claim: { sequence: 1 } });
    // The broker had acknowledged exactly this claim.
    const [claimId, ...others] = [...(await publishesOf(drop)).keys()];
    expect(others).toEqual([]);
    await eventually(async () => {
      const { body } = await cluster.client().claimStatus(drop.campaignId, 'unlucky', claimId);
      expect(body).toMatchObject({ status: 'ISSUED', claimId, claimedAt: again.body.claim.claimedAt });
    }, 30_000);
    await expectKept(cluster, drop, 30_000, { mended: died, killed: true });
  });

  // With its memory, Redis would still know the claims of the frozen api, and the rebuild would take them over.
  fault(4, 'an api is frozen between gate and log while Redis comes back empty, and goes on 30 s later', async () => {
    const failing = await cluster.addFailing('api', 'stop-before-publish', between(20, 100));
    await cluster.ready();
    drop = await openDrop(cluster, 300);
    const frozen = new Client(failing.url);
    const onFailing = drop.run(frozen, { users: usersOf(200, 'frozen-'), tries: 1, width: 20 });
    await failing.process.printed(/failpoint/);
    await cluster.servers.redis.kill();
    rmSync(cluster.servers.redis.aofDirectory, { recursive: true });
    await cluster.servers.redis.start();
    const alive = new Client(
      ...cluster
        .apis()
        .filter((member) => member !== failing)
        .map(({ url }) => url),
    );
    await eventually(async () => {
      expect(['202', '409 sold-out']).toContain(await drop.press(alive, `after-${drop.calls.length}`));
    }, 20_000);
    // The new gate is sold out before the frozen api wakes up, so none of its late claims may get a slot.
    await drop.run(alive, { users: usersOf(500), tries: 3, width: 50 });
    await passed(30_000);
    failing.process.signal('SIGCONT');
    const mended = performance.now();
    await onFailing;
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 45_000, { mended, frozen });
    await cluster.end(failing, 'SIGTERM');
  });

  fault(4, 'an api’s host stops with its clocks between gate and log, and goes on after a rebuild', async () => {
    const failing = await cluster.addFailing('api', 'stand-before-publish', between(20, 100));
    await cluster.ready();
    drop = await openDrop(cluster, 300);
    const frozen = new Client(failing.url);
    const standing = drop.run(frozen, { users: usersOf(200, 'standing-'), tries: 1, width: 20 });
    await failing.process.printed(/failpoint/);
    const stopped = performance.now();
    // Its connections to Redis and Kafka outlive the stop: nothing but the gate row shows that another gate was built.
    await cluster.redis((redis) => redis.flushall());
    const alive = new Client(
      ...cluster
        .apis()
        .filter((member) => member !== failing)
        .map(({ url }) => url),
    );
    await eventually(async () => {
      expect(['202', '409 sold-out']).toContain(await drop.press(alive, `after-${drop.calls.length}`));
    }, 20_000);
    await drop.run(alive, { users: usersOf(500), tries: 3, width: 50 });
    // The database has ended the sessions of the host, so its first read of the row fails.
    await passed(Math.max(0, stopped + 1_000 * (MYSQL_DEFAULTS.waitTimeoutS + 2) - performance.now()));
    failing.process.signal('SIGCONT');
    const mended = performance.now();
    await standing;
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 45_000, { mended, frozen });
    await cluster.end(failing, 'SIGTERM');
  });

  fault(20, 'a worker is killed between commit and offset', async () => {
    drop = await openDrop(cluster, 1_000);
    const failing = await cluster.addFailing('worker', 'kill-before-offset', between(2, 5));
    for (const worker of cluster.workers().filter((member) => member !== failing)) await cluster.end(worker, 'SIGTERM');
    const strike = async () => {
      await failing.process.exit();
      await cluster.end(failing, 'SIGKILL');
      await cluster.add('worker');
    };
    await duringDrop(cluster, drop, strike, { claimsAgainMs: 2_500, keptMs: 30_000 });
  });

  fault(
    22,
    'rebalances for a minute, while the workers become four and one again',
    async () => {
      const { brokers } = cluster.servers.kafka;
      await cluster.end(lastOf(cluster.workers()), 'SIGTERM');
      drop = await openDrop(cluster, 8_000);
      const client = cluster.client();
      const began = performance.now();
      let mended = 0;
      await withTrickle(
        drop,
        client,
        async () => {
          const changes = [
            ...Array.from({ length: 3 }, () => () => cluster.add('worker')),
            ...(['SIGTERM', 'SIGKILL', 'SIGTERM'] as const).map(
              (signal) => () => cluster.end(lastOf(cluster.workers()), signal),
            ),
          ];
          for (const [at, change] of changes.entries()) {
            await change();
            // A killed worker stays a member until its session is over.
            await eventually(async () => {
              expect(await groupMembers(brokers)).toHaveLength(cluster.workers().length);
            }, 20_000);
            await answered(drop, '202');
            await passed(began + (at + 1) * 10_000 - performance.now());
          }
          expect(cluster.workers()).toHaveLength(1);
          mended = performance.now();
        },
        { everyMs: 50 },
      );
      await drop.run(client, { users: usersOf(9_000, 'after-'), tries: 3, width: 50 });
      await sellOut(cluster, drop);
      await expectKept(cluster, drop, 60_000, { mended });
    },
    { slow: true, timeoutMs: 240_000 },
  );

  /** The failed events that are not published yet, while Kafka is away. */
  const failedEvents = async () => {
    drop = await openDrop(cluster, 400);
    await cluster.servers.kafka.kill();
    await drop.run(cluster.client(), { users: usersOf(600), tries: 3, width: 20 });
    const [open] = await cluster.rows("SELECT COUNT(*) AS count FROM failed_events WHERE status = 'PENDING'");
    expect(Number(open?.['count'])).toBeGreaterThan(200);
  };

  for (const [moment, point] of [
    ['before the log has anything', 'kill-before-publish'],
    ['when the log has a part', 'kill-after-publish'],
  ] as const) {
    fault(
      29,
      `one of two retry instances is killed while it publishes, ${moment}: nothing is published more than twice`,
      async () => {
        const failing = await cluster.addFailing('worker', point, between(20, 150));
        await cluster.ready();
        await failedEvents();
        // The first instance that drains may take all rows. So the others are frozen until this one has died.
        const others = cluster.workers().filter((member) => member !== failing);
        for (const { process } of others) process.signal('SIGSTOP');
        await cluster.servers.kafka.start();
        await failing.process.exit();
        for (const { process } of others) process.signal('SIGCONT');
        const mended = performance.now();
        await cluster.end(failing, 'SIGKILL');
        await sellOut(cluster, drop);
        await expectKept(cluster, drop, 70_000, { mended });
        expect(Math.max(...(await publishesOf(drop)).values())).toBeLessThanOrEqual(2);
      },
      // Nothing is on the log yet, so all rows wait until the lease runs out.
      { slow: point === 'kill-before-publish', timeoutMs: 240_000 },
    );
  }

  fault(
    29,
    'a retry instance is killed when it has published, and nobody consumes until its leases have run out: twice, and once a coupon',
    async () => {
      for (const worker of cluster.workers()) await cluster.end(worker, 'SIGTERM');
      const failing = await cluster.addFailing('retry', 'kill-after-publish', between(20, 150));
      await cluster.ready();
      await failedEvents();
      await cluster.servers.kafka.start();
      await failing.process.exit();
      const died = performance.now();
      await cluster.end(failing, 'SIGKILL');
      const other = await cluster.add('retry');
      try {
        await eventually(async () => {
          expect(Math.max(...(await publishesOf(drop)).values())).toBe(2);
        }, 70_000);
        // Not before the leases had run out: until then, an instance could still be working on the rows.
        expect(performance.now() - died).toBeGreaterThan(40_000);
        const mended = performance.now();
        await cluster.add('worker');
        await sellOut(cluster, drop);
        await expectKept(cluster, drop, 70_000, { mended });
        expect(Math.max(...(await publishesOf(drop)).values())).toBe(2);
      } finally {
        await cluster.end(other, 'SIGTERM');
      }
    },
    { slow: true, timeoutMs: 300_000 },
  );

  fault(
    29,
    'nobody consumes for longer than a published row waits for its coupon: each row is on the log once',
    async () => {
      for (const worker of cluster.workers()) await cluster.end(worker, 'SIGTERM');
      const retry = await cluster.add('retry');
      await failedEvents();
      await cluster.servers.kafka.start();
      try {
        await eventually(async () => {
          const [open] = await cluster.rows(
            "SELECT COUNT(*) AS count FROM failed_events WHERE status <> 'REPUBLISHED'",
          );
          expect(Number(open?.['count'])).toBe(0);
        }, 60_000);
        // Two drains beyond the wait: the database's clock says that all of them are overdue.
        await eventually(async () => {
          const [waited] = await cluster.rows(
            'SELECT MIN(UNIX_TIMESTAMP(NOW(3)) * 1000 - next_attempt_at) AS ms FROM failed_events',
          );
          expect(Number(waited?.['ms'])).toBeGreaterThan(20_000);
        }, 200_000);
        expect(Math.max(...(await publishesOf(drop)).values())).toBe(1);
        const mended = performance.now();
        await cluster.add('worker');
        await sellOut(cluster, drop);
        await expectKept(cluster, drop, 70_000, { mended });
      } finally {
        await cluster.end(retry, 'SIGTERM');
      }
    },
    { slow: true, timeoutMs: 400_000 },
  );

  /** How often each claim is on the topic. */
  const publishesOf = async ({ campaignId }: Drop): Promise<Map<string, number>> => {
    const counts = new Map<string, number>();
    for (const value of await readTopic(cluster.servers.kafka.brokers)) {
      const event = JSON.parse(String(value)) as { claimId: string; campaignId: string };
      if (event.campaignId === campaignId) counts.set(event.claimId, (counts.get(event.claimId) ?? 0) + 1);
    }
    return counts;
  };

  for (const duties of [['api'], ['worker'], ['api', 'worker']] as const) {
    fault(
      32,
      `SIGTERM under load: ${duties.join(' and ')} out in 10 s, and nobody is left without answer`,
      async () => {
        drop = await openDrop(cluster, 2_000);
        const leaving = duties.map((duty) => lastWith(cluster, duty));
        const client = cluster.client().withFreshConnections();
        const running = drop.run(client, { users: usersOf(2_000), tries: 3, width: 50 });
        await eventually(() => expect(drop.promised().length).toBeGreaterThan(200));
        const asked = performance.now();
        const codes = await Promise.all(leaving.map((member) => cluster.end(member, 'SIGTERM')));
        expect(codes).toEqual(codes.map(() => 0));
        expect(performance.now() - asked).toBeLessThan(10_000);
        await running;
        await sellOut(cluster, drop);
        await expectKept(cluster, drop, 40_000, { mended: asked, left: duties.some((duty) => duty === 'api') });
        // Each call has its own connection, so it is either refused or answered.
        expect(drop.words).not.toContain('no answer');
      },
    );
  }

  fault(33, 'the consumer crashes beyond restart: the process ends, and the next one heals it', async () => {
    for (const worker of cluster.workers()) await cluster.end(worker, 'SIGTERM');
    const failing = await cluster.addFailing('worker', 'crash-consumer', between(1, 5));
    await cluster.ready();
    drop = await openDrop(cluster, 1_000);
    const crash = failing.process.printed(/failpoint/).then(() => performance.now());
    const end = failing.process.exit().then((code) => ({ code, at: performance.now() }));
    const strike = async () => {
      const [crashedAt, { code, at }] = await Promise.all([crash, end]);
      expect(code).toBe(1);
      expect(at - crashedAt).toBeLessThan(5_000);
      await cluster.end(failing, 'SIGKILL');
      await cluster.add('worker');
    };
    await duringDrop(cluster, drop, strike, { claimsAgainMs: 2_500, keptMs: 30_000 });
  });
});
