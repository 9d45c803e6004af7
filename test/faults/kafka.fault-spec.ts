import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { expectKept } from '../support/oracle.js';
import { announceSeed, type Deadlines, duringDrop, openDrop, passed, usersOf } from './fault-drop.js';

describe('while claims come in, Kafka', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    announceSeed();
    cluster = await Cluster.start({ apis: 2, workers: 2 });
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(() => drop.close());

  const during = async (fault: () => Promise<void>, deadlines: Deadlines) => {
    drop = await openDrop(cluster, 1_000);
    await duringDrop(cluster, drop, fault, deadlines);
  };

  it('is killed with -9 and is away for 60 s, and claims are promised all the time', async () => {
    await during(
      async () => {
        const { kafka } = cluster.servers;
        await kafka.kill();
        const away = performance.now() + 60_000;
        let n = 0;
        // Users go on asking; those that come after the first second find an api that knows.
        while (performance.now() < away) {
          const before = drop.promised().length;
          await drop.run(cluster.client(), { users: usersOf(50, `away-${n++}-`), tries: 3, width: 10 });
          if (drop.promised().length === before && drop.words.at(-1) === '409 sold-out') break;
        }
        await passed(Math.max(0, away - performance.now()));
        await kafka.start();
      },
      { claimsAgainMs: 2_500, keptMs: 60_000 },
    );
    expect(drop.tally()['202']).toBe(1_000);
  }, 240_000);

  it('is frozen for 20 s', async () => {
    await during(
      async () => {
        cluster.servers.kafka.pause();
        await passed(20_000);
        cluster.servers.kafka.resume();
      },
      { claimsAgainMs: 2_500, keptMs: 60_000 },
    );
  }, 180_000);

  it('is away when an api and a worker start, which join when it comes', async () => {
    await cluster.servers.kafka.kill();
    const started = performance.now();
    const members = await Promise.all([cluster.add('api'), cluster.add('worker')]);
    for (const { url } of members) {
      await eventually(async () => expect((await fetch(`${url}/health/live`)).status).toBe(200), 5_000);
    }
    expect(performance.now() - started).toBeLessThan(10_000);
    // Only the new processes are left: what they do is done by themselves.
    for (const member of cluster.members.filter((one) => !members.includes(one))) {
      await cluster.end(member, 'SIGTERM');
    }
    await cluster.servers.kafka.start();
    drop = await openDrop(cluster, 100);
    await drop.run(cluster.client(), { users: usersOf(200), tries: 3, width: 20 });
    await expectKept(cluster, drop, 40_000);
    await Promise.all([cluster.add('api'), cluster.add('worker')]);
    await cluster.ready();
  }, 180_000);
});
