import { readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { announceSeed, type Deadlines, duringDrop, openDrop, passed } from './fault-drop.js';

describe('while claims come in, Redis', () => {
  let cluster: Cluster;
  let drop: Drop;

  beforeAll(async () => {
    announceSeed();
    cluster = await Cluster.start({ apis: 2, workers: 2 });
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(() => drop.close());

  const withRedis = async <T>(work: (redis: Redis) => Promise<T>): Promise<T> => {
    const redis = new Redis(cluster.servers.redis.url, { lazyConnect: true });
    try {
      await redis.connect();
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  };

  const during = async (fault: () => Promise<void>, deadlines: Deadlines) => {
    drop = await openDrop(cluster, 1_000);
    await duringDrop(cluster, drop, fault, deadlines);
  };

  it('is killed with -9 and comes back with its AOF', async () => {
    await during(
      async () => {
        await cluster.servers.redis.kill();
        await cluster.servers.redis.start();
      },
      { claimsAgainMs: 15_000, keptMs: 30_000 },
    );
  }, 180_000);

  it('loses the end of its AOF', async () => {
    await during(
      async () => {
        const { redis } = cluster.servers;
        await redis.kill();
        const [aof] = readdirSync(redis.aofDirectory).filter((file) => file.endsWith('.incr.aof'));
        const file = join(redis.aofDirectory, String(aof));
        truncateSync(file, Math.max(0, statSync(file).size - 200_000));
        await redis.start();
      },
      { claimsAgainMs: 20_000, keptMs: 35_000 },
    );
  }, 180_000);

  it('comes back empty', async () => {
    await during(
      async () => {
        const { redis } = cluster.servers;
        await redis.kill();
        rmSync(redis.aofDirectory, { recursive: true });
        await redis.start();
      },
      { claimsAgainMs: 20_000, keptMs: 35_000 },
    );
  }, 180_000);

  it('is flushed', async () => {
    await during(() => withRedis(async (redis) => void (await redis.flushall())), {
      claimsAgainMs: 20_000,
      keptMs: 35_000,
    });
  }, 180_000);

  it.each(['meta', 'applied_user', 'pending'])(
    'loses the key %s of the campaign',
    async (structure) => {
      await during(
        () =>
          withRedis(async (redis) => {
            const keys = await redis.keys(`coupon:{${drop.campaignId}}:*:${structure}`);
            expect(keys).toHaveLength(1);
            await redis.del(...keys);
          }),
        { claimsAgainMs: 20_000, keptMs: 35_000 },
      );
    },
    180_000,
  );

  it('forgets its scripts', async () => {
    await during(() => withRedis(async (redis) => void (await redis.script('FLUSH'))), {
      claimsAgainMs: 15_000,
      keptMs: 30_000,
    });
  }, 180_000);

  it('is frozen for 10 s', async () => {
    await during(
      async () => {
        cluster.servers.redis.pause();
        await passed(10_000);
        cluster.servers.redis.resume();
      },
      { claimsAgainMs: 15_000, keptMs: 30_000 },
    );
  }, 180_000);
});
