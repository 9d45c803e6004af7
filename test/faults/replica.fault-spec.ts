import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import { RedisServer } from '../../stack/redis-server.js';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { withRedis } from '../support/with-redis.js';
import {
  claimsAgain,
  duringDrop,
  expectKept,
  openDrop,
  passed,
  sellOut,
  type Strike,
  usersOf,
  withTrickle,
} from './fault-drop.js';
import { fault } from './fault-test.js';
import { exhaustMemory } from './strikes.js';

/** The first api and the worker reach Redis through one proxy, the second api through another. */
describe('while claims come in, on a line that can be led to a replica', () => {
  let cluster: Cluster;
  let replica: RedisServer;
  let lines: [TcpProxy, TcpProxy];
  let drop: Drop;

  beforeAll(async () => {
    cluster = await Cluster.start({ apis: 0, workers: 0 });
    const { port } = cluster.servers.redis;
    lines = [await TcpProxy.to(port), await TcpProxy.to(port)];
    const [one, other] = lines.map((line) => ({ REDIS_URL: `redis://127.0.0.1:${line.port}` }));
    await Promise.all([cluster.add('api', one), cluster.add('api', other), cluster.add('worker', one)]);
    await cluster.ready();
  }, 120_000);
  afterAll(async () => {
    await cluster.stop();
    await Promise.all(lines.map((line) => line.close()));
  });
  beforeEach(async () => {
    const { port } = cluster.servers.redis;
    // Without a delay, also if the old master has to follow this replica.
    const args = ['--replicaof', '127.0.0.1', String(port), '--repl-diskless-sync-delay', '0'];
    replica = await RedisServer.start({ args });
    await eventually(async () => {
      const [sent, [, kept]] = await Promise.all([offsetOf(cluster.servers.redis.url), roleOf(replica.url)]);
      expect([kept, sent]).toEqual(['connected', sent]);
    });
    drop = await openDrop(cluster, 1_000);
  }, 60_000);
  afterEach(async () => {
    drop.close();
    for (const line of lines) line.set('pass');
    for (const line of lines) line.lead(cluster.servers.redis.port);
    await replica.kill();
    await cluster.ready();
  }, 90_000);

  const offsetOf = (url: string) =>
    withRedis(url, async (redis) => Number(/master_repl_offset:(\d+)/.exec(await redis.info())?.[1]));
  const roleOf = (url: string) =>
    withRedis(url, async (redis) => {
      const role = (await redis.role()) as unknown as [string, string, number, string];
      return [role[0], role[3]] as const;
    });
  /** From now on, no write at the master reaches the replica. */
  const cutReplication = () =>
    withRedis(replica.url, async (redis) => void (await redis.call('REPLICAOF', 'NO', 'ONE')));

  /** Makes some claims that only the master knows. */
  const claimsGoOn = async () => {
    const before = drop.promised().length;
    await eventually(() => expect(drop.promised().length).toBeGreaterThan(before + 50));
  };

  fault(9, 'a replica is promoted after its replication was cut; then back to the first', async () => {
    const strike: Strike = async ({ servers }) => {
      await cutReplication();
      await claimsGoOn();
      for (const line of lines) line.lead(replica.port);
      await claimsAgain(drop, cluster.apis(), 30_000);
      for (const line of lines) line.lead(servers.redis.port);
    };
    const before = await cluster.epoch();
    await duringDrop(cluster, drop, strike, { claimsAgainMs: 30_000, keptMs: 30_000 });
    // One new epoch for the replica, and one for the first master, which was behind.
    expect(await cluster.epoch()).toBeGreaterThanOrEqual(before + 2);
  });

  fault(9, 'a master that followed another one and was promoted again, while no api looked', async () => {
    const { url } = cluster.servers.redis;
    const replicaOf = (server: string, host: string, of: string) =>
      withRedis(server, async (redis) => void (await redis.call('REPLICAOF', host, of)));
    const strike: Strike = async () => {
      const processes = cluster.members.map(({ process }) => process);
      // The replica gets no more writes, and the master gets more claims.
      await cutReplication();
      await claimsGoOn();
      for (const process of processes) process.signal('SIGSTOP');
      await replicaOf(url, '127.0.0.1', String(replica.port));
      await eventually(async () => expect(await roleOf(url)).toEqual(['slave', 'connected']));
      await replicaOf(url, 'NO', 'ONE');
      for (const process of processes) process.signal('SIGCONT');
    };
    const before = await cluster.epoch();
    await duringDrop(cluster, drop, strike, { claimsAgainMs: 30_000, keptMs: 30_000 });
    expect(await cluster.epoch()).toBeGreaterThan(before);
  });

  fault(10, 'the old master lives on, with one api on each', async () => {
    drop.close();
    drop = await openDrop(cluster, 6_000);
    const client = cluster.client();
    let healed = 0;
    // This test is about the promises of an api after another one has rebuilt the gate.
    await withTrickle(drop, client, async () => {
      await claimsGoOn();
      await cutReplication();
      await claimsGoOn();
      lines[1].lead(replica.port);
      await passed(15_000);
      lines[1].lead(cluster.servers.redis.port);
      healed = performance.now();
      await claimsAgain(drop, cluster.apis(), 45_000);
    });
    await drop.run(client, { users: usersOf(8_000, 'after-'), tries: 3, width: 100 });
    await sellOut(cluster, drop);
    await expectKept(cluster, drop, 45_000, { mended: healed });
  });

  fault(13, 'the line drops what Redis answers for 5 s', async () => {
    const strike: Strike = async () => {
      for (const line of lines) line.set('drop-replies');
      await passed(5_000);
      for (const line of lines) line.set('pass');
    };
    const dropped = lines.map(({ droppedReplies }) => droppedReplies);
    const before = await cluster.epoch();
    await duringDrop(cluster, drop, strike, { claimsAgainMs: 15_000, keptMs: 30_000, lastsMs: 5_000 });
    lines.forEach(({ droppedReplies }, line) => expect(droppedReplies).toBeGreaterThan(dropped[line] ?? 0));
    // A second reservation would leave a coupon unsold; a new gate would hide it.
    expect(await cluster.epoch()).toBe(before);
  });

  fault(14, 'Redis has no memory left for 10 s', async () => {
    const before = await cluster.epoch();
    await duringDrop(cluster, drop, exhaustMemory, { claimsAgainMs: 15_000, keptMs: 30_000, lastsMs: 10_000 });
    expect(drop.tally()['503 issuer-unavailable'] ?? 0).toBeGreaterThan(0);
    // A half-written claim would have closed the gate, and a new one would hide it.
    expect(await cluster.epoch()).toBe(before);
  });
});
