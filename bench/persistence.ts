import { randomBytes } from 'node:crypto';
import { createConnection, type Connection } from 'mysql2/promise';
import { type Cluster } from '../test/support/cluster.js';
import { inParallel } from '../test/support/client.js';
import { type BenchRun } from './bench-run.js';
import { ENDLESS } from './claims.js';
import { load } from './load.js';

const CHUNK = 500;

/** Connections of the second yardstick: what the worker may use at once. */
const SIDE_BY_SIDE = 3;

/**
 * How fast a backlog of one campaign becomes rows, against plain INSERTs of the same rows into the same table, 500 at a
 * time. One after the other, as the campaign's row makes the worker's transactions follow each other; and side by side,
 * which is what the table can take and one campaign cannot use.
 */
export async function measurePersistence(run: BenchRun, cluster: Cluster, backlog: number): Promise<void> {
  const name = `events persisted, backlog of ${backlog.toLocaleString('en')}`;
  if (!run.wants(name)) return;
  const [api] = cluster.apis();
  if (api === undefined) throw new Error('no api');
  const oneByOne: [number, number][] = [];
  const sideBySide: [number, number][] = [];
  for (let round = 0; round < run.rounds; round++) {
    const campaignId = await cluster.client().createCampaign(ENDLESS);
    for (let published = 0; published < backlog;) {
      const plan = { url: api.url, campaignIds: [campaignId], users: 'unique', connections: 100, seconds: 2 };
      published += (await load(plan)).requests;
    }
    const { gate } = (await cluster.client().audit(campaignId)) as { gate: number };
    const worker = await cluster.add('worker');
    const persisted = await drained(cluster, campaignId, gate);
    await cluster.end(worker, 'SIGTERM');
    const raw = await insertRaw(cluster, gate, 1);
    const most = await insertRaw(cluster, gate, SIDE_BY_SIDE);
    oneByOne.push([persisted, raw]);
    sideBySide.push([persisted, most]);
    run.say(`${name}: ${Math.round(persisted)} against ${Math.round(raw)} and ${Math.round(most)} rows/s`);
  }
  const of = { name, unit: 'rows/s' };
  run.comparisons.push(
    { ...of, yardstick: 'raw 500-row INSERTs, one by one', atLeast: 0.6, pairs: oneByOne },
    { ...of, yardstick: `the same over ${SIDE_BY_SIDE} connections`, pairs: sideBySide },
  );
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

async function insertRaw(cluster: Cluster, count: number, width: number): Promise<number> {
  const campaignId = await cluster.client().createCampaign(ENDLESS);
  const uri = cluster.servers.mariadb.url;
  const connections = await Promise.all(Array.from({ length: width }, () => createConnection({ uri })));
  try {
    const chunks = Array.from({ length: Math.ceil(count / CHUNK) }, (_, index) => rowsOf(campaignId, index));
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
    await cluster.rows('DELETE FROM coupons WHERE campaign_id = ?', [campaignId]);
  }
}

function rowsOf(campaignId: string, chunk: number): unknown[][] {
  return Array.from({ length: CHUNK }, (_, index) => {
    const sequence = chunk * CHUNK + index + 1;
    const claimId = randomBytes(16).toString('hex').slice(0, 26).toUpperCase();
    const code = randomBytes(8).toString('hex').toUpperCase();
    return [campaignId, `raw-${sequence}`, claimId, code, sequence, 1_764_000_000_000, 1_764_000_000_000];
  });
}
