import { Redis } from 'ioredis';
import { type Cluster } from '../test/support/cluster.js';

/** What the Redis of a cluster holds, in bytes. */
export async function usedMemory(cluster: Cluster): Promise<number> {
  return withRedis(cluster, async (redis) => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]));
}

export async function withRedis<T>({ servers }: Cluster, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(servers.redis.url);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
