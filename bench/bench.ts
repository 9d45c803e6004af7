import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../stack/server-process.js';
import { endLeftovers } from '../stack/leftovers.js';
import { Client } from '../test/support/client.js';
import { Cluster } from '../test/support/cluster.js';
import { ServiceProcess } from '../test/support/service-process.js';
import { ADMIN_TOKEN } from '../test/support/service.js';
import { generator, load } from './load.js';
import { measurePersistence } from './persistence.js';
import { type Comparison, markdown, svg } from './report.js';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    backlog: { type: 'string', default: '100000' },
    only: { type: 'string' },
    out: { type: 'string', default: 'bench/results' },
  },
});
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const wanted = (name: string) => options.only === undefined || name.includes(options.only);

/** So many that no run of the bench ever sells them out. */
const ENDLESS = 10_000_000;
const BARE = resolve('bench/bare-server.mjs');

const comparisons: Comparison[] = [];

/** One thing against its yardstick, in turn: both see the same moods of the machine. */
async function compare(
  name: string,
  yardstick: string,
  atLeast: number,
  measured: () => Promise<number>,
  against: () => Promise<number>,
): Promise<void> {
  if (!wanted(name)) return;
  const pairs: [number, number][] = [];
  for (let round = 0; round < rounds; round++) {
    const base = await against();
    const value = await measured();
    pairs.push([value, base]);
    process.stdout.write(`${name}: ${Math.round(value)} against ${Math.round(base)}, ${(value / base).toFixed(2)}\n`);
  }
  comparisons.push({ name, yardstick, atLeast, pairs });
}

async function startBare(): Promise<{ url: string; end: () => Promise<unknown> }> {
  const port = await freePort();
  const bare = ServiceProcess.spawn({ PORT: String(port) }, [BARE]);
  await bare.printed(/listening on/);
  return { url: `http://127.0.0.1:${port}`, end: () => bare.end('SIGKILL') };
}

/** The rate of answers, all of which have to be what the scenario is about. */
async function rate(url: string, campaignId: string, users: string, connections: number, refusals: boolean) {
  const result = await load({ url, campaignId, users, connections, seconds });
  const wrong = refusals ? result.requests - result.refused : result.refused;
  // Calls that were under way when the load ended are counted by nobody.
  if (wrong + result.broken > connections) {
    throw new Error(`${wrong} answers of another kind and ${result.broken} without one, of ${result.requests}`);
  }
  return result.perSecond;
}

async function claimsAndRefusals(
  profile: string,
  url: string,
  bare: string,
  targets: { claim: number; refusal: number },
  connectionCounts: readonly number[],
): Promise<void> {
  const client = new Client(url);
  const endless = await client.createCampaign(ENDLESS);
  for (const connections of connectionCounts) {
    await compare(
      `${profile}, acknowledged claim, ${connections} connections`,
      'bare Fastify',
      targets.claim,
      () => rate(url, endless, 'unique', connections, false),
      () => rate(bare, endless, 'unique', connections, false),
    );
  }
  const soldOut = await client.createCampaign(1);
  if ((await client.apply('winner', soldOut)).status !== 202) throw new Error('the only coupon was not given out');
  const closed = await client.createCampaign(1, { startsAt: '2100-01-01T00:00:00Z' });
  for (const [what, campaign, users] of [
    ['sold out', soldOut, 'unique'],
    ['already claimed', soldOut, 'winner'],
    ['not open', closed, 'unique'],
  ] as const) {
    await compare(
      `${profile}, refusal: ${what}`,
      'bare Fastify',
      targets.refusal,
      () => rate(url, campaign, users, 100, true),
      () => rate(bare, campaign, users, 100, false),
    );
  }
}

async function embedded(bare: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'coupon-bench-'));
  const port = await freePort();
  const env = { DATA_DIR: directory };
  const service = await ServiceProcess.start({ env, redis: undefined, remove: async () => undefined }, port);
  try {
    await claimsAndRefusals('embedded', `http://127.0.0.1:${port}`, bare, { claim: 0.4, refusal: 0.9 }, [100]);
  } finally {
    await service.end('SIGTERM');
    rmSync(directory, { recursive: true, force: true });
  }
}

async function distributed(bare: string): Promise<void> {
  const cluster = await Cluster.start({ apis: 1, workers: 0 }, { ADMIN_TOKEN });
  try {
    const [api] = cluster.apis();
    if (api === undefined) throw new Error('no api');
    await claimsAndRefusals('distributed', api.url, bare, { claim: 0.7, refusal: 0.9 }, [100, 400]);
    if (wanted('events persisted')) {
      comparisons.push(await measurePersistence(cluster, Number(options.backlog), rounds));
    }
    await cluster.add('worker');
    await cluster.ready();
    const endless = await cluster.client().createCampaign(ENDLESS);
    await compare(
      'distributed, acknowledged claim while a worker persists it, 100 connections',
      'bare Fastify',
      0,
      () => rate(api.url, endless, 'unique', 100, false),
      () => rate(bare, endless, 'unique', 100, false),
    );
  } finally {
    await cluster.stop();
  }
}

async function main(): Promise<void> {
  process.stdout.write(`${rounds} rounds of ${seconds} s each, load by ${generator}, Node ${process.version}\n`);
  const bare = await startBare();
  try {
    await embedded(bare.url);
    await distributed(bare.url);
  } finally {
    await bare.end();
  }
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'results.json'), `${JSON.stringify(comparisons, null, 2)}\n`);
  writeFileSync(join(options.out, 'results.svg'), svg(comparisons));
  writeFileSync(join(options.out, 'results.md'), markdown(comparisons));
  process.stdout.write(`\n${markdown(comparisons)}\nalso in ${options.out}/\n`);
}

// Whatever the bench starts lies below a directory of its own, so that nothing of it can be left behind.
const root = mkdtempSync(join(tmpdir(), 'coupon-bench-root-'));
process.env.TMPDIR = root;
try {
  await main();
} finally {
  await endLeftovers(root);
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(0);
