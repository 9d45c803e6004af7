import { randomBytes } from 'node:crypto';
import { createConnection, type Connection } from 'mysql2/promise';
import { type Cluster } from '../test/support/cluster.js';
import { inParallel } from '../test/support/client.js';
import { load } from './load.js';
import { type Comparison } from './report.js';

const CHUNK = 500;

/**
 * How fast a backlog on the topic becomes rows, against plain INSERTs of the same rows into the same table, 500 at a time
 * over three connections, which is what the worker may use at once.
 */
export async function measurePersistence(cluster: Cluster, backlog: number, rounds: number): Promise<Comparison> {
  const pairs: [number, number][] = [];
  for (let round = 0; round < rounds; round++) {
    const campaignId = await cluster.client().createCampaign(10_000_000);
    const [api] = cluster.apis();
    if (api === undefined) throw new Error('no api');
    let published = 0;
    while (published < backlog) {
      const { requests } = await load({ url: api.url, campaignId, users: 'unique', connections: 100, seconds: 2 });
      published += requests;
    }
    const { gate } = (await cluster.client().audit(campaignId)) as { gate: number };
    const started = performance.now();
    const worker = await cluster.add('worker');
    let firstSeen: { at: number; rows: number } | undefined;
    for (;;) {
      const [row] = await cluster.rows('SELECT issued FROM campaigns WHERE id = ?', [campaignId]);
      const rows = Number(row?.['issued']);
      // Loading modules and joining the group is not persisting.
      if (rows > 0) firstSeen ??= { at: performance.now(), rows };
      if (rows >= gate) break;
      if (performance.now() - started > 300_000) throw new Error(`only ${rows} of ${gate} rows after five minutes`);
      await new Promise((wake) => setTimeout(wake, 20));
    }
    if (firstSeen === undefined) throw new Error('there was no backlog');
    const persisted = (gate - firstSeen.rows) / ((performance.now() - firstSeen.at) / 1_000);
    await cluster.end(worker, 'SIGTERM');
    const raw = await insertRaw(cluster, gate);
    pairs.push([persisted, raw]);
    process.stdout.write(`events persisted: ${Math.round(persisted)} against ${Math.round(raw)} rows/s\n`);
  }
  return { name: `events persisted, backlog of ${backlog}`, yardstick: 'raw 500-row INSERTs', atLeast: 0.6, pairs };
}

async function insertRaw(cluster: Cluster, count: number): Promise<number> {
  const campaignId = await cluster.client().createCampaign(10_000_000);
  const uri = cluster.servers.mariadb.url;
  const connections = await Promise.all(Array.from({ length: 3 }, () => createConnection({ uri })));
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
    return [
      campaignId,
      `raw-${sequence}`,
      claimId,
      randomBytes(8).toString('hex').toUpperCase(),
      sequence,
      1_764_000_000_000,
      1_764_000_000_000,
    ];
  });
}
