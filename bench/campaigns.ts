import { type Client, inParallel } from '../test/support/client.js';
import { Cluster } from '../test/support/cluster.js';
import { eventually } from '../test/support/eventually.js';
import { type BenchRun } from './bench-run.js';
import { ENDLESS, rate } from './claims.js';

/**
 * Measures what a claim costs in campaigns of different sizes, and how much memory they take. The claims are put into
 * the database, and a wiped gate is rebuilt from them.
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
  // This measures the cost of a claim at the gate, so nothing else may use the processor.
  for (const worker of cluster.workers()) await cluster.end(worker, 'SIGTERM');
  const least = sizes[0] as number;
  for (const [index, id] of campaigns.slice(1).entries()) {
    await run.compare(costs[index] as string, (seconds) => rate(url, [id], 100, seconds), {
      yardstick: `one that begins with ${short(least)} claims`,
      atLeast: 0.9,
      // A new campaign in each turn: during the turn it grows from `least` claims to tens of thousands.
      rate: async (seconds) => rate(url, [await campaignOf(client, least)], 100, seconds),
    });
  }
}

/**
 * Measures what a claim costs while many campaigns are open, when callers ask for all of them in turn and when they ask
 * for one. Claims of one campaign in a batch share three reads and three writes at the gate. If each claim of a batch
 * is for another campaign, each needs its own.
 */
export async function measureCounts(
  run: BenchRun,
  cluster: Cluster,
  url: string,
  counts: readonly number[],
): Promise<void> {
  const names = counts.slice(1).map((count) => `claim cost with ${short(count)} open campaigns, all asked for`);
  const open = `claim cost with ${short(counts.at(-1) as number)} open campaigns, one asked for`;
  if (!run.wants(...names, open)) return;
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
  if (!run.wants(open)) return;
  // A campaign cannot be deleted, so a single open campaign needs another installation.
  const alone = await Cluster.start({ apis: 1, workers: 0 });
  try {
    const only = [await alone.client().createCampaign(ENDLESS)];
    await run.compare(open, (seconds) => rate(url, campaigns.slice(0, 1), 100, seconds), {
      yardstick: 'the only campaign',
      atLeast: 0.9,
      rate: (seconds) => rate(alone.apis()[0]?.url ?? '', only, 100, seconds),
    });
  } finally {
    await alone.stop();
  }
}

/** Makes a campaign with this many claims. */
async function campaignOf(client: Client, claims: number): Promise<string> {
  const id = await client.createCampaign(ENDLESS);
  const users = Array.from({ length: claims }, (_, index) => `first-${index}`);
  await inParallel(users, 100, async (user) => {
    const { status } = await client.apply(user, id);
    if (status !== 202) throw new Error(`${status}`);
  });
  return id;
}

async function wipe(cluster: Cluster): Promise<number> {
  return cluster.redis(async (redis) => {
    const at = performance.now();
    await redis.flushall();
    return at;
  });
}

/** How much memory the Redis of a cluster uses, in bytes. */
export async function usedMemory(cluster: Cluster): Promise<number> {
  return cluster.redis(async (redis) => Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]));
}

function short(count: number): string {
  return count >= 1_000_000 ? `${count / 1_000_000}M` : count >= 1_000 ? `${count / 1_000}k` : String(count);
}
