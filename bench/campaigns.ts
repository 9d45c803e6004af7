import { Redis } from 'ioredis';
import { type Cluster } from '../test/support/cluster.js';
import { eventually } from '../test/support/eventually.js';
import { type BenchRun } from './bench-run.js';
import { ENDLESS, rate } from './claims.js';

/**
 * What a claim costs at campaigns of different sizes, and what becomes of their memory: the claims are put into the
 * database, and a wiped gate is rebuilt from them.
 */
export async function measureSizes(
  run: BenchRun,
  cluster: Cluster,
  url: string,
  sizes: readonly number[],
): Promise<void> {
  const costs = sizes.slice(1).map((size) => `claim cost at a campaign of ${short(size)} claims`);
  if (!run.wants(...costs, 'rebuild after a wipe', 'Redis per claim')) return;
  const client = cluster.client();
  const campaigns: string[] = [];
  let before = 0;
  for (const [index, size] of sizes.entries()) {
    const id = await client.createCampaign(ENDLESS);
    campaigns.push(id);
    await cluster.rows(
      `INSERT INTO coupons (campaign_id, user_id, claim_id, code, sequence, claimed_at, created_at)
       SELECT ?, CONCAT('held-', seq), CONCAT(SUBSTR(?, -9), LPAD(seq, 17, '0')), CONCAT(SUBSTR(?, -6), LPAD(seq, 10, '0')),
              seq, 1764000000000, 1764000000000 FROM seq_1_to_${size}`,
      [id, id, id],
    );
    await cluster.rows('UPDATE campaigns SET issued = ? WHERE id = ?', [size, id]);
    const wiped = await wipe(cluster);
    await eventually(async () => {
      const { status } = await client.apply(`after-${performance.now()}`.replace('.', '_'), id);
      if (status !== 202) throw new Error(`${status}`);
    }, 120_000);
    const rebuiltMs = performance.now() - wiped;
    const used = await usedMemory(cluster);
    if (index > 0) {
      run.note({
        name: `rebuild after a wipe, ${short(size)} claims more`,
        unit: 's',
        values: [rebuiltMs / 1_000],
        atMost: size > 100_000 ? 30 : 10,
      });
      run.note({
        name: `Redis per claim, of ${short(size)}`,
        unit: 'B',
        values: [(used - before) / size],
        atMost: 220,
      });
    }
    before = used;
  }
  const [small, ...larger] = campaigns as [string, ...string[]];
  for (const [index, id] of larger.entries()) {
    await run.compare(costs[index] as string, (seconds) => rate(url, [id], 100, seconds), {
      yardstick: `one of ${short(sizes[0] as number)} claims`,
      atLeast: 0.9,
      rate: (seconds) => rate(url, [small], 100, seconds),
    });
  }
}

/**
 * What a claim costs when many campaigns are open and all of them are asked for in turn. Claims of one campaign share
 * three reads and three writes at the gate; here each of a batch is for another one, and takes them for itself.
 */
export async function measureCounts(
  run: BenchRun,
  cluster: Cluster,
  url: string,
  counts: readonly number[],
): Promise<void> {
  const names = counts.slice(1).map((count) => `claim cost with ${short(count)} open campaigns, all asked for`);
  if (!run.wants(...names)) return;
  const client = cluster.client();
  const campaigns: string[] = [];
  for (const [index, count] of counts.entries()) {
    while (campaigns.length < count) campaigns.push(await client.createCampaign(ENDLESS));
    if (index === 0) continue;
    const all = [...campaigns];
    await run.compare(names[index - 1] as string, (seconds) => rate(url, all, 100, seconds), {
      yardstick: 'one campaign',
      atLeast: 0.9,
      rate: (seconds) => rate(url, all.slice(0, 1), 100, seconds),
    });
  }
}

async function wipe(cluster: Cluster): Promise<number> {
  return withRedis(cluster, async (redis) => {
    const at = performance.now();
    await redis.flushall();
    return at;
  });
}

async function usedMemory(cluster: Cluster): Promise<number> {
  return withRedis(cluster, async (redis) => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]));
}

async function withRedis<T>({ servers }: Cluster, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(servers.redis.url);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

function short(count: number): string {
  return count >= 1_000_000 ? `${count / 1_000_000}M` : count >= 1_000 ? `${count / 1_000}k` : String(count);
}
