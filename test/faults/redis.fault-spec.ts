import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { type Client } from '../support/client.js';
import { Cluster } from '../support/cluster.js';
import { type Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import {
  claimsAgain,
  duringDrop,
  expectAnswered,
  expectKept,
  openDrop,
  passed,
  sellOut,
  usersOf,
} from './fault-drop.js';
import { between, fault } from './fault-test.js';
import { execute, REDIS_FAULTS } from './strikes.js';

const COUNTS = { apis: 2, workers: 2 };
const CAMPAIGNS = 20;
const MILLION = 1_000_000;
/** How long a rebuild may take that reads a million coupons, ms. */
const MILLION_REBUILT_MS = 60_000;

describe('while claims come in', () => {
  let cluster: Cluster;
  const drops: Drop[] = [];

  beforeAll(async () => {
    cluster = await Cluster.start(COUNTS);
  }, 120_000);
  afterAll(() => cluster.stop());
  afterEach(() => {
    for (const drop of drops.splice(0)) drop.close();
  });

  /** A drop that ends with its test. */
  const open = async (installation: Cluster, total: number): Promise<Drop> => {
    const drop = await openDrop(installation, total);
    drops.push(drop);
    return drop;
  };
  const flush = (installation: Cluster) => installation.redis(async (redis) => void (await redis.flushall()));

  for (const { row, what, strike, ...deadlines } of REDIS_FAULTS) {
    fault(row, what, async () => {
      const drop = await open(cluster, 1_000);
      const before = await cluster.epoch();
      await duringDrop(cluster, drop, strike, deadlines);
      // The fault really happened: a gate that has lost data has a new epoch, and a silent one has refused claims.
      if (row !== 12) expect(await cluster.epoch()).toBeGreaterThan(before);
      expect(Object.keys(drop.tally()).filter((word) => word.startsWith('503'))).not.toEqual([]);
    });
  }

  fault(43, `${CAMPAIGNS} campaigns sell to the same users at once, and Redis is flushed`, async () => {
    await Promise.all(Array.from({ length: CAMPAIGNS }, () => open(cluster, 200)));
    const before = await cluster.epoch();
    const promised = () => drops.reduce((sum, drop) => sum + drop.promised().length, 0);
    const running = Promise.all(
      drops.map((drop) => drop.run(cluster.client(), { users: usersOf(500), tries: 3, width: 5 })),
    );
    const moment = between(CAMPAIGNS * 20, CAMPAIGNS * 100);
    await eventually(() => expect(promised()).toBeGreaterThanOrEqual(moment), 60_000);
    await flush(cluster);
    const mended = performance.now();
    await Promise.all(drops.map((drop) => claimsAgain(drop, cluster.apis(), 20_000)));
    await running;
    expect(await cluster.epoch()).toBeGreaterThan(before);
    await Promise.all(drops.map((drop) => sellOut(cluster, drop)));
    await Promise.all(drops.map((drop) => expectKept(cluster, drop, 60_000, { mended })));
  });

  fault(
    46,
    'an open campaign has a million coupons, and Redis is flushed',
    async () => {
      const installation = await Cluster.start(COUNTS);
      try {
        const big = await open(installation, MILLION + 100);
        await fill(installation, big.campaignId);
        const small = await open(installation, 1_000);
        const again = { claimsAgainMs: MILLION_REBUILT_MS, keptMs: MILLION_REBUILT_MS };
        await duringDrop(installation, small, flush, again);
        await sellsTheRest(installation, big, installation.client());
      } finally {
        await installation.stop();
      }
    },
    { timeoutMs: 600_000 },
  );

  fault(45, 'two deployments share a Redis, which is flushed and then restarted', async () => {
    const other = await cluster.beside({ apis: 1, workers: 1 });
    try {
      const both = [cluster, other] as const;
      const [one, two] = [await open(cluster, 1_000), await open(other, 1_000)];
      const sell = (installation: Cluster, drop: Drop) =>
        drop.run(installation.client(), { users: usersOf(3_000), tries: 3, width: 50 });
      const running = Promise.all([sell(cluster, one), sell(other, two)]);
      const answers = async () => {
        await Promise.all([claimsAgain(one, cluster.apis(), 30_000), claimsAgain(two, other.apis(), 30_000)]);
      };
      await eventually(() => {
        for (const drop of [one, two]) expect(drop.promised().length).toBeGreaterThanOrEqual(100);
      }, 30_000);
      const before = await Promise.all(both.map((installation) => installation.epoch()));
      await flush(cluster);
      await answers();
      await cluster.servers.redis.kill();
      await cluster.servers.redis.start();
      const mended = performance.now();
      await answers();
      await running;
      await Promise.all([sellOut(cluster, one), sellOut(other, two)]);
      await Promise.all([
        expectKept(cluster, one, 60_000, { mended }),
        expectKept(other, two, 60_000, { mended, recorded: false }),
      ]);
      // Each fault made one epoch of each. More would mean that the two close each other's gate.
      const epochs = await Promise.all(both.map((installation) => installation.epoch()));
      process.stdout.write(`epochs ${before.join(' and ')}, then ${epochs.join(' and ')}\n`);
      await passed(5_000);
      expect(await Promise.all(both.map((installation) => installation.epoch()))).toEqual(epochs);
    } finally {
      await other.stop();
    }
  });

  /** Writes a million coupons as if they had been issued. The gate learns of them by a rebuild. */
  const fill = (installation: Cluster, campaignId: string): Promise<void> =>
    execute(
      installation,
      `INSERT INTO coupons (campaign_id, user_id, claim_id, code, sequence, claimed_at, created_at)
       SELECT '${campaignId}', CONCAT('big-', seq), CONCAT('01BIG', LPAD(seq, 21, '0')), CONCAT('BIG', LPAD(seq, 13, '0')), seq,
              1764000000000 + seq, 1764000000000 + seq
       FROM seq_1_to_${MILLION}`,
      `UPDATE campaigns SET issued = ${MILLION} WHERE id = '${campaignId}'`,
    );

  /** The rebuilt gate knows each of the million, and has room for 100 more. */
  const sellsTheRest = async (installation: Cluster, big: Drop, client: Client): Promise<void> => {
    for (const seq of [1, MILLION / 2, MILLION]) {
      const { body } = await client.apply(`big-${seq}`, big.campaignId);
      expect(body).toMatchObject({ code: 'already-claimed', claim: { sequence: seq } });
    }
    await big.run(client, { users: usersOf(300, 'new-'), tries: 3, width: 20 });
    expect(big.tally()).toEqual({ '202': 100, '409 sold-out': 200 });
    const sequences = big.promised().map(({ sequence }) => sequence);
    expect(sequences.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => MILLION + 1 + n));
    await eventually(async () => {
      const [row] = await installation.rows('SELECT COUNT(*) AS count FROM coupons WHERE campaign_id = ?', [
        big.campaignId,
      ]);
      expect(Number(row?.['count'])).toBe(big.total);
    }, 20_000);
    // The drop knows of a hundred of its winners only: by its own count, each `sold-out` came too early.
    expectAnswered(big, { totalChanged: true });
  };
});
