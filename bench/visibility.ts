import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { type Cluster } from '../test/support/cluster.js';
import { type BenchRun } from './bench-run.js';
import { caughtUp, ENDLESS, rate } from './claims.js';
import { openLoad } from './load.js';

/** How often the table is read, ms. A row is seen at most this much later than it appears. */
const LOOK_MS = 5;
/** Transactions may commit in another order than they took their ids, so each read goes back by this many ids. */
const LOOK_BACK = 3_000;

/**
 * Measures the time from the gate's admission of a claim until another connection sees its row, at half of the highest
 * rate of api and worker together. Everything runs on one machine, so both times are of the same clock.
 */
export async function measureVisibility(run: BenchRun, cluster: Cluster, url: string): Promise<void> {
  const name = 'from the gate to a visible row, at half the maximum rate';
  if (!run.wants(name)) return;
  const client = cluster.client();
  const campaignId = await client.createCampaign(ENDLESS);
  await rate(url, [campaignId], 100, run.warmUpSeconds);
  await caughtUp(client, campaignId);
  const most = await rate(url, [campaignId], 100, Math.max(2, run.seconds));
  await caughtUp(client, campaignId);
  const p50: number[] = [];
  const p99: number[] = [];
  const max: number[] = [];
  for (let round = 0; round < run.rounds; round++) {
    let over = false;
    const watching = watch(cluster, campaignId, () => over);
    const plan = { url, campaignIds: [campaignId], connections: 100, seconds: run.seconds };
    const { requests, refused, broken } = await openLoad({ ...plan, perSecond: most / 2 });
    await caughtUp(client, campaignId);
    over = true;
    const delays = (await watching).sort((a, b) => a - b);
    const unseen = requests - refused - broken - delays.length;
    if (unseen > 0) throw new Error(`${unseen} rows of ${requests} were not seen`);
    p50.push(delays[Math.floor(delays.length / 2)] ?? NaN);
    p99.push(delays[Math.floor(delays.length * 0.99)] ?? NaN);
    max.push(delays.at(-1) ?? NaN);
  }
  run.note({ name: `${name}, p50`, unit: 'ms', values: p50 });
  run.note({ name: `${name}, p99`, unit: 'ms', values: p99, atMost: 500 });
  run.note({ name: `${name}, slowest`, unit: 'ms', values: max });
}

/** Returns the delay of every row that appears, ms. */
async function watch(cluster: Cluster, campaignId: string, over: () => boolean): Promise<number[]> {
  const connection = await createConnection({ uri: cluster.servers.mariadb.url });
  const seen = new Set<number>();
  const delays: number[] = [];
  try {
    const [[newest]] = await connection.query<RowDataPacket[]>('SELECT COALESCE(MAX(id), 0) AS id FROM coupons');
    const first = Number(newest?.['id']);
    let last = first;
    for (let ended = false; !ended;) {
      ended = over();
      const [rows] = await connection.query<RowDataPacket[]>(
        'SELECT id, claimed_at AS at FROM coupons WHERE id > ? AND campaign_id = ?',
        [Math.max(first, last - LOOK_BACK), campaignId],
      );
      const now = Date.now();
      for (const { id, at } of rows) {
        if (seen.has(Number(id))) continue;
        seen.add(Number(id));
        delays.push(now - Number(at));
        last = Math.max(last, Number(id));
      }
      await new Promise((wake) => setTimeout(wake, LOOK_MS));
    }
    return delays;
  } finally {
    await connection.end();
  }
}
