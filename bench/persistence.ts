import { createConnection, type Connection } from 'mysql2/promise';
import { couponCodeFactory } from '../src/consumer/coupon-code.js';
import { claimIdFactory } from '../src/issuance/claim-id.js';
import { type Cluster } from '../test/support/cluster.js';
import { inParallel } from '../test/support/client.js';
import { type BenchRun } from './bench-run.js';
import { ENDLESS } from './claims.js';
import { load } from './load.js';
import { usedMemory } from './redis-memory.js';

const CHUNK = 500;

/** Begins the ids of users whom nobody asked for a coupon for; of the length that the load's have. */
const RAW = 'raw000000';

/** Connections of the second yardstick: what the worker may use at once. */
const SIDE_BY_SIDE = 3;

/**
 * How fast a backlog of one campaign becomes rows, against plain INSERTs of the same rows into the same table, 500 at a
 * time. One after the other, as the campaign's row makes the worker's transactions follow each other; and side by side,
 * which is what the table can take and one campaign cannot use.
 */
export async function measurePersistence(run: BenchRun, cluster: Cluster, backlog: number): Promise<void> {
  const name = `events persisted, backlog of ${backlog.toLocaleString('en')}`;
  const pending = 'Redis per claim that has no row yet';
  if (!run.wants(name, pending)) return;
  const rounds: [ours: number, oneByOne: number, sideBySide: number][] = [];
  const bytes: number[] = [];
  for (let round = 0; round < run.rounds; round++) {
    const before = await usedMemory(cluster);
    const campaignId = await cluster.client().createCampaign(ENDLESS);
    const gate = await publish(cluster, campaignId, backlog);
    bytes.push(((await usedMemory(cluster)) - before) / gate);
    const measured = [
      () => persisted(cluster, campaignId, gate),
      () => insertRaw(cluster, gate, 1),
      () => insertRaw(cluster, gate, SIDE_BY_SIDE),
    ] as const;
    const values: [number, number, number] = [0, 0, 0];
    for (let turn = 0; turn < measured.length; turn++) {
      const which = ((round + turn) % measured.length) as 0 | 1 | 2;
      values[which] = await measured[which]();
    }
    // Not between the turns: the server goes on with what was deleted for some time.
    await cluster.rows('DELETE FROM coupons WHERE user_id LIKE ?', [`${RAW}-%`]);
    rounds.push(values);
    const [ours, raw, most] = values.map(Math.round);
    run.say(`${name}: ${ours} against ${raw} and ${most} rows/s`);
  }
  const of = { name, unit: 'rows/s' };
  run.comparisons.push(
    {
      ...of,
      yardstick: 'raw 500-row INSERTs, one by one',
      atLeast: 0.6,
      pairs: rounds.map(([ours, raw]) => [ours, raw]),
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

/** By a worker that lives for that, rows a second. */
async function persisted(cluster: Cluster, campaignId: string, gate: number): Promise<number> {
  const worker = await cluster.add('worker');
  const perSecond = await drained(cluster, campaignId, gate);
  await cluster.end(worker, 'SIGTERM');
  return perSecond;
}

/** Rows a second from the first one that is seen: loading modules and joining the group is not persisting. */
async function drained(cluster: Cluster, campaignId: string, gate: number): Promise<number> {
  const started = performance.now();
  let first: { at: number; rows: number } | undefined;
  for (;;) {
    const [row] = await cluster.rows('SELECT issued FROM campaigns WHERE id = ?', [campaignId]);
    const rows = Number(row?.['issued']);
    const now = performance.now();
    if (rows > 0) first ??= { at: now, rows };
    if (rows >= gate) {
      if (first === undefined || first.rows === rows) throw new Error('the backlog is too small to be measured');
      return (gate - first.rows) / ((now - first.at) / 1_000);
    }
    if (now - started > 300_000) throw new Error(`only ${rows} of ${gate} rows after five minutes`);
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

/** Rows a second. They stay in the table. */
async function insertRaw(cluster: Cluster, count: number, width: number): Promise<number> {
  const campaignId = await cluster.client().createCampaign(ENDLESS);
  const uri = cluster.servers.mariadb.url;
  const connections = await Promise.all(Array.from({ length: width }, () => createConnection({ uri })));
  try {
    const [nextClaimId, nextCode] = [claimIdFactory(), couponCodeFactory()];
    const chunks = Array.from({ length: Math.ceil(count / CHUNK) }, (_, chunk) =>
      Array.from({ length: CHUNK }, (_, index) => {
        const sequence = chunk * CHUNK + index + 1;
        return [campaignId, `${RAW}-0-${sequence}`, nextClaimId(), nextCode(), sequence, Date.now(), Date.now()];
      }),
    );
    const started = performance.now();
    await inParallel(chunks, connections.length, async (rows) => {
      const connection = connections.pop() as Connection;
      await connection.query(
        'INSERT INTO coupons (campaign_id, user_id, claim_id, code, sequence, claimed_at, created_at) VALUES ?',
        [rows],
      );
      connections.push(connection);
    });
    return (chunks.length * CHUNK) / ((performance.now() - started) / 1_000);
  } finally {
    await Promise.all(connections.map((connection) => connection.end()));
  }
}
