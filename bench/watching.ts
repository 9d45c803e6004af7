import { EventSource } from '../test/support/event-source.js';
import { ADMIN_TOKEN } from '../test/support/service.js';
import { type BenchRun } from './bench-run.js';
import { caughtUp, ENDLESS, type Targets, rate } from './claims.js';
import { startWatchers } from './watchers.js';

/** Long enough for some samples, which come a second apart. */
const LEAST_SECONDS = 3;

/** Measures claims while this many callers watch the campaign that is claimed, against claims without watchers. */
export async function measureWatching(
  run: BenchRun,
  { profile, url, client, persists = false }: Targets,
  watchers: number,
): Promise<void> {
  const name = `${profile}, acknowledged claim while ${watchers.toLocaleString('en')} callers watch`;
  const behind = `${profile}, live page behind the claim, at the maximum rate`;
  if (!run.wants(name, behind)) return;
  const campaign = await client.createCampaign(ENDLESS);
  const claims = async (seconds: number) => {
    const perSecond = await rate(url, [campaign], 100, seconds);
    if (persists) await caughtUp(client, campaign);
    return perSecond;
  };
  const watched = async (least: number) => {
    const seconds = Math.max(LEAST_SECONDS, least);
    const all = await startWatchers({ url, campaignId: campaign, watchers });
    try {
      all.received();
      const perSecond = await rate(url, [campaign], 100, seconds);
      // Stock changes all the time, so each watcher has to hear of it about once a second. The reader tells its count
      // every half second, and a busy machine sends late.
      const samples = all.received();
      if (samples < (watchers * seconds) / 3) throw new Error(`${samples} samples for ${watchers} watchers`);
      return perSecond;
    } finally {
      await all.end();
      if (persists) await caughtUp(client, campaign);
    }
  };
  await run.compare(name, watched, { yardstick: 'no watcher', atLeast: 0.9, rate: claims });
  if (run.wants(behind)) await measureDelay(run, behind, url, campaign, claims);
}

/** From the instant of a sample by the gate's clock until its watcher has it. All processes have one clock here. */
async function measureDelay(
  run: BenchRun,
  name: string,
  url: string,
  campaign: string,
  claims: (seconds: number) => Promise<number>,
): Promise<void> {
  const values: number[] = [];
  for (let round = 0; round < run.rounds; round++) {
    const path = `/api/admin/live?campaignId=${campaign}`;
    const source = await EventSource.open(`${url}${path}`, {
      authorization: `Bearer ${ADMIN_TOKEN}`,
      // Nothing from before the connection.
      'last-event-id': String(Date.now()),
    });
    const arrivals: number[] = [];
    let last = Date.now();
    source.response.on('data', () => {
      const now = Date.now();
      const at = source.events.at(-1)?.data.at as number | undefined;
      // A watcher is behind by the age of the sample before, until this one is there.
      if (at !== undefined && arrivals.push(now - last) > 0) last = at;
    });
    await claims(Math.max(LEAST_SECONDS + 2, run.seconds));
    source.close();
    // The first two are measured from the connection.
    values.push(Math.max(...(arrivals.length > 2 ? arrivals.slice(2) : arrivals)));
  }
  run.note({ name: `${name}: oldest number ever shown`, unit: 'ms', values, atMost: 1_250 });
}
