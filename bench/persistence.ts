import { createSecretKey, randomBytes } from 'node:crypto';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { couponCodeOf } from '../src/modules/consumer/coupon-code.js';
import { systemClock } from '../src/platform/flow/clock.js';
import { SystemEntropy, ulidFactory } from '../src/platform/flow/entropy.js';
import { KeyedHash } from '../src/platform/values/keyed-hash.js';
import { inParallel } from '../test/support/client.js';
import { type Cluster } from '../test/support/cluster.js';
import { type BenchRun } from './bench-run.js';
import { usedMemory } from './campaigns.js';
import { ENDLESS } from './claims.js';
import { load } from './load.js';

const CHUNK = 500;

/** How many connections the second yardstick uses: as many as the worker may. */
const SIDE_BY_SIDE = 3;

/**
 * Measures how fast a backlog of one campaign becomes rows, against plain INSERTs of the same rows into the same table,
 * 500 at a time. The first yardstick inserts one batch after the other, because the lock on the campaign's row forces
 * this order on the worker. The second one inserts side by side: the table can take this, but one campaign cannot use
 * it.
 */
export async function measurePersistence(run: BenchRun, cluster: Cluster, backlog: number): Promise<void> {
  const name = `events persisted, backlog of ${backlog.toLocaleString('en')}`;
  const pending = 'Redis per claim that has no row yet';
  if (!run.wants(name, pending)) return;
  const client = cluster.client();
  // Campaigns for the yardsticks' rows, which are deleted after each round.
  const [raw, wide] = [await client.createCampaign(ENDLESS), await client.createCampaign(ENDLESS)];
  const rounds: [ours: number, oneByOne: number, sideBySide: number][] = [];
  const bytes: number[] = [];
  // The users of the round before, because the worker's turn may come last. The first round only fills this.
  let users: string[] = [];
  for (let round = -1; round < run.rounds; round++) {
    const before = await usedMemory(cluster);
    const campaignId = await client.createCampaign(ENDLESS);
    const gate = await publish(cluster, campaignId, backlog);
    const used = (await usedMemory(cluster)) - before;
    const order = users;
    const measured = [
      () => persisted(cluster, campaignId, gate),
      () => insertRaw(cluster, raw, order, 1),
      () => insertRaw(cluster, wide, order, SIDE_BY_SIDE),
    ] as const;
    const values: [number, number, number] = [0, 0, 0];
    for (let turn = 0; turn < (round < 0 ? 1 : measured.length); turn++) {
      const which = ((Math.max(0, round) + turn) % measured.length) as 0 | 1 | 2;
      values[which] = await measured[which]();
    }
    // Not between the turns: the server works on deleted rows for some time.
    await cluster.rows('DELETE FROM coupons WHERE campaign_id IN (?, ?)', [raw, wide]);
    users = await usersOf(cluster, campaignId);
    if (round < 0) continue;
    rounds.push(values);
    bytes.push(used / gate);
    const [ours, narrow, most] = values.map(Math.round);
    run.say(`${name}: ${ours} against ${narrow} and ${most} rows/s`);
  }
  const of = { name, unit: 'rows/s' };
  run.comparisons.push(
    {
      ...of,
      yardstick: 'raw 500-row INSERTs, one by one',
      atLeast: 0.6,
      pairs: rounds.map(([ours, narrow]) => [ours, narrow]),
    },
    {
      ...of,
      yardstick: `the same over ${SIDE_BY_SIDE} connections`,
      pairs: rounds.map(([ours, , most]) => [ours, most]),
    },
  );
  run.note({ name: pending, unit: 'B', values: bytes });
}

/** @returns how many claims the gate holds, none of which has a row. */
async function publish(cluster: Cluster, campaignId: string, backlog: number): Promise<number> {
  const [api] = cluster.apis();
  if (api === undefined) throw new Error('no api');
  for (let published = 0; published < backlog;) {
    const plan = { url: api.url, campaignIds: [campaignId], users: 'unique', connections: 100, seconds: 2 };
    published += (await load(plan)).requests;
  }
  const { gate } = (await cluster.client().audit(campaignId)) as { gate: number };
  return gate;
}

/** Rows a second, written by a new worker. */
async function persisted(cluster: Cluster, campaignId: string, gate: number): Promise<number> {
  const worker = await cluster.add('worker');
  const perSecond = await drained(cluster, campaignId, gate);
  await cluster.end(worker, 'SIGTERM');
  return perSecond;
}

/**
 * Rows a second after the first tenth. Before that, the worker loads modules, joins the group and compiles code, which
 * the yardstick has already done.
 */
async function drained(cluster: Cluster, campaignId: string, gate: number): Promise<number> {
  // One connection for all checks. A new one for each would take a twentieth of a core, and only from the worker.
  const connection = await createConnection({ uri: cluster.servers.mariadb.url });
  try {
    const started = performance.now();
    let first: { at: number; rows: number } | undefined;
    for (;;) {
      const [[row]] = await connection.query<RowDataPacket[]>('SELECT issued FROM campaigns WHERE id = ?', [
        campaignId,
      ]);
      const rows = Number(row?.['issued']);
      const now = performance.now();
      if (rows >= gate / 10) first ??= { at: now, rows };
      if (rows >= gate) {
        if (first === undefined || first.rows === rows) throw new Error('the backlog is too small to be measured');
        return (gate - first.rows) / ((now - first.at) / 1_000);
      }
      if (now - started > 300_000) throw new Error(`only ${rows} of ${gate} rows after five minutes`);
      await new Promise((wake) => setTimeout(wake, 20));
    }
  } finally {
    await connection.end();
  }
}

/** The users in the order of their rows: the cost of an INSERT depends on where the indexes grow. */
async function usersOf(cluster: Cluster, campaignId: string): Promise<string[]> {
  const rows = await cluster.rows('SELECT user_id AS user FROM coupons WHERE campaign_id = ? ORDER BY id', [
    campaignId,
  ]);
  return rows.map(({ user }) => user as string);
}

/** Inserts the same users again, for another campaign. @returns rows a second. */
async function insertRaw(
  cluster: Cluster,
  campaignId: string,
  users: readonly string[],
  width: number,
): Promise<number> {
  const uri = cluster.servers.mariadb.url;
  const connections = await Promise.all(Array.from({ length: width }, () => createConnection({ uri })));
  try {
    const nextClaimId = ulidFactory(systemClock, new SystemEntropy());
    const secret = new KeyedHash(createSecretKey(randomBytes(32)));
    const rows = users.map((user, at) => {
      const claimId = nextClaimId();
      return [campaignId, user, claimId, couponCodeOf(secret, claimId), at + 1, Date.now(), Date.now()];
    });
    const chunks = Array.from({ length: Math.ceil(rows.length / CHUNK) }, (_, at) =>
      rows.slice(at * CHUNK, (at + 1) * CHUNK),
    );
    const started = performance.now();
    await inParallel(chunks, connections.length, async (chunk) => {
      const connection = connections.pop() as Connection;
      await connection.query(
        'INSERT INTO coupons (campaign_id, user_id, claim_id, code, sequence, claimed_at, created_at) VALUES ?',
        [chunk],
      );
      connections.push(connection);
    });
    return rows.length / ((performance.now() - started) / 1_000);
  } finally {
    await Promise.all(connections.map((connection) => connection.end()));
  }
}
