import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../stack/server-process.js';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { readTopic, TOPIC } from '../support/topic.js';
import { duringDrop, expectKept, openDrop, portionsUntil, sellOut, sellsOn, usersOf } from './fault-drop.js';
import { between, fault } from './fault-test.js';
import { KAFKA_FAULTS } from './strikes.js';

describe('while claims come in', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start({ apis: 2, workers: 2 });
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(async () => {
    drop?.close();
    // A failed round must not change the next one.
    const { kafka, mariadb } = cluster.servers;
    for (const server of [kafka, mariadb]) if (!server.running) await server.start();
    await cluster.fill({ apis: 2, workers: 2 });
  }, 90_000);

  for (const { row, what, strike, ...deadlines } of KAFKA_FAULTS) {
    const run = async () => {
      // Enough coupons that some are left to sell during the fault, whenever it strikes.
      drop = await openDrop(cluster, 2_000);
      await duringDrop(cluster, drop, strike, deadlines);
      // Every user got a promise: the database took the claims that the log could not.
      const [kept] = await cluster.rows('SELECT COUNT(*) AS count FROM failed_events WHERE campaign_id = ?', [
        drop.campaignId,
      ]);
      expect(Number(kept?.['count'])).toBeGreaterThan(0);
      expect(drop.tally()['202']).toBe(drop.total);
    };
    fault(row, what, run);
  }

  fault(
    15,
    'Kafka is killed with -9 and away for 60 s',
    async () => {
      const { kafka } = cluster.servers;
      drop = await openDrop(cluster, 4_000);
      const client = cluster.client();
      const burst = drop.run(client, { users: usersOf(1_000), tries: 3, width: 50 });
      const moment = between(50, 600);
      await eventually(() => expect(drop.promised().length).toBeGreaterThan(moment));
      await kafka.kill();
      const back = performance.now() + 60_000;
      await burst;
      const promised = await portionsUntil(drop, client, back);
      await kafka.start();
      const mended = performance.now();
      // During the whole outage, not only at its beginning.
      expect(promised).toEqual(Array.from({ length: 20 }, () => 100));
      await drop.run(client, { users: usersOf(1_500, 'after-'), tries: 3, width: 50 });
      await sellOut(cluster, drop);
      await expectKept(cluster, drop, 30_000, { mended });
      expect(drop.tally()['202']).toBe(drop.total);
      await sellsOn(cluster);
    },
    { slow: true, timeoutMs: 240_000 },
  );

  fault(15, 'Kafka and the database are away at once: nothing is promised', async () => {
    const { kafka, mariadb } = cluster.servers;
    drop = await openDrop(cluster, 500);
    await drop.run(cluster.client(), { users: usersOf(100), tries: 3, width: 20 });
    await Promise.all([kafka.kill(), mariadb.kill()]);
    const before = drop.promised().length;
    await drop.run(cluster.client(), { users: usersOf(100, 'away-'), tries: 3, width: 20 });
    expect(drop.promised().length).toBe(before);
    await Promise.all([kafka.start(), mariadb.start()]);
    const mended = performance.now();
    await cluster.ready();
    await drop.run(cluster.client(), { users: usersOf(1_000, 'after-'), tries: 3, width: 20 });
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 45_000, { mended });
  });

  fault(18, 'the end of every partition is cut off before it was consumed', async () => {
    for (const worker of cluster.workers()) await cluster.end(worker, 'SIGTERM');
    drop = await openDrop(cluster, 1_000);
    await drop.run(cluster.client(), { users: usersOf(700), tries: 3, width: 50 });
    const { kafka } = cluster.servers;
    await kafka.kill();
    let cut = 0;
    for (let partition = 0; partition < 12; partition++) {
      const directory = kafka.partitionDirectory(TOPIC, partition);
      const segment = readdirSync(directory)
        .filter((file) => file.endsWith('.log'))
        .sort()
        .at(-1);
      const file = join(directory, String(segment));
      const { size } = statSync(file);
      const left = Math.floor((size * between(0, 70)) / 100);
      if (left < size) truncateSync(file, left);
      cut += size - left;
    }
    expect(cut).toBeGreaterThan(10_000);
    await kafka.start();
    const mended = performance.now();
    await cluster.fill({ apis: 2, workers: 2 });
    await drop.run(cluster.client(), { users: usersOf(1_000, 'after-'), tries: 3, width: 50 });
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 45_000, { mended });
  });

  fault(19, 'Kafka is away when an api and a worker start, which join when it comes', async () => {
    await cluster.servers.kafka.kill();
    const members = await Promise.all([cluster.add('api'), cluster.add('worker')]);
    await Promise.all(
      members.map(({ url }) =>
        eventually(async () => expect((await fetch(`${url}/health/live`)).status).toBe(200), 5_000),
      ),
    );
    // Only the new processes are left, so the results are theirs alone.
    for (const member of cluster.members.filter((one) => !members.includes(one))) {
      await cluster.end(member, 'SIGTERM');
    }
    await cluster.servers.kafka.start();
    const mended = performance.now();
    drop = await openDrop(cluster, 100);
    await drop.run(cluster.client(), { users: usersOf(200), tries: 3, width: 20 });
    await expectKept(cluster, drop, 30_000, { mended });
  });
});

describe('on a line that loses answers', () => {
  let cluster: Cluster;
  let proxy: TcpProxy;
  let drop: Drop;

  beforeAll(async () => {
    const port = await freePort();
    proxy = await TcpProxy.to(port);
    const address = `127.0.0.1:${proxy.port}`;
    cluster = await Cluster.start(
      { apis: 1, workers: 0 },
      { KAFKA_BROKERS: address },
      { kafka: { port, properties: { 'advertised.listeners': `PLAINTEXT://${address}` } } },
    );
  }, 120_000);
  afterAll(async () => {
    await cluster.stop();
    await proxy.close();
  });
  afterEach(async () => {
    drop.close();
    for (const worker of cluster.workers()) await cluster.end(worker, 'SIGKILL');
  });

  /** The claims on the topic and in the database, while no process runs that would restore missing ones. */
  const recorded = async (): Promise<Set<string>> => {
    const messages = await readTopic(cluster.servers.kafka.brokers);
    const found = new Set(messages.map((value) => (JSON.parse(String(value)) as { claimId: string }).claimId));
    const rows = await cluster.rows('SELECT claim_id FROM failed_events');
    for (const { claim_id: claimId } of rows) found.add(String(claimId));
    return found;
  };

  fault(17, 'the line is cut at produce requests: some are lost, of others the answer', async () => {
    const { process } = await cluster.add('worker');
    await cluster.ready();
    process.signal('SIGSTOP');
    drop = await openDrop(cluster, 1_000);
    let requests = 0;
    const every = between(3, 8);
    proxy.cutAt((data) => {
      if (!isProduce(data) || ++requests % every !== 0) return null;
      return requests % (2 * every) === 0 ? 'reply' : 'request';
    });
    try {
      await drop.run(cluster.client(), { users: usersOf(3_000), tries: 3, width: 100 });
    } finally {
      proxy.set('pass');
    }
    expect(requests).toBeGreaterThan(2 * every);
    const found = await recorded();
    expect(drop.promised().filter(({ claimId }) => !found.has(claimId))).toEqual([]);
    process.signal('SIGCONT');
    const mended = performance.now();
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 60_000, { mended });
  });
});

/** A request begins with its length and then its kind: 0 means produce. */
function isProduce(data: Buffer): boolean {
  return data.length > 6 && data.readInt16BE(4) === 0;
}
