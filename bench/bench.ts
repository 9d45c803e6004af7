import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { endLeftovers } from '../stack/leftovers.js';
import { howToInstall, missingPrograms } from '../stack/missing-programs.js';
import { freePort } from '../stack/server-process.js';
import { Client } from '../test/support/client.js';
import { Cluster, IMAGE_COMMAND } from '../test/support/cluster.js';
import { ServiceProcess } from '../test/support/service-process.js';
import { measureAttacks } from './attacks.js';
import { BenchRun } from './bench-run.js';
import { measureCounts, measureSizes } from './campaigns.js';
import {
  ENDLESS,
  measureClaims,
  measureLatency,
  measureRefusals,
  measureRows,
  rate,
  untilPersisted,
} from './claims.js';
import { endWithUs } from './end-with-us.js';
import { generator } from './load.js';
import { measurePersistence } from './persistence.js';
import { measureEmbeddedFile, measureMemory, measureRestart, measureStarts, measureTwoApis } from './processes.js';
import { markdown, svg } from './report.js';
import { measureVisibility } from './visibility.js';
import { measureWatching } from './watching.js';

const HELP = `npm run bench [-- options]
  --only TEXT     what has TEXT in its name
  --rounds N      each thing and its yardstick so often, in turn (default 5)
  --seconds S     of load in each round (default 3); 5 s that do not count come before the first
  --backlog N     events that wait for the worker (default 500000)
  --claims N      over which memory is watched (default 1000000)
  --smoke         shows that all of it works, with little of everything; its figures mean nothing
  --out DIR       where results.md, results.json and results.svg go (default bench/results)`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    backlog: { type: 'string', default: '500000' },
    claims: { type: 'string', default: '1000000' },
    only: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    out: { type: 'string', default: 'bench/results' },
    help: { type: 'boolean', default: false },
  },
});

/**
 * The sizes of all measurements, such as how many claims a campaign holds and how many campaigns are open before a
 * measurement.
 */
const EXTENT = options.smoke
  ? {
      rounds: 1,
      seconds: 1,
      warmUp: 1,
      backlog: 5_000,
      claims: 10_000,
      coupons: 2_000,
      watchers: 50,
      sizes: [100, 1_000, 2_000],
      counts: [1, 3, 5],
    }
  : {
      rounds: Number(options.rounds),
      seconds: Number(options.seconds),
      warmUp: 5,
      backlog: Number(options.backlog),
      claims: Number(options.claims),
      coupons: 100_000,
      watchers: 5_000,
      sizes: [1_000, 100_000, 1_000_000],
      counts: [1, 100, 1_000],
    };

const BARE = resolve('bench/bare-server.mjs');
const LEAST = resolve('bench/least-server.mjs');
/**
 * For a table of millions of rows. With less memory the database writes back in bursts, which would slow down any turn.
 */
const MARIADB = ['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=512M'];
/** Node's settings in the image. */
const HEAP = IMAGE_COMMAND.filter((part) => part.startsWith('--'));

/** Runs `work` with the address of a yardstick server, which has the same heap as the service. */
async function withYardstick(
  command: readonly string[],
  env: Record<string, string>,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const server = ServiceProcess.spawn({ ...env, PORT: String(port) }, command);
  try {
    await server.printed(/listening on/);
    await work(`http://127.0.0.1:${port}`);
  } finally {
    await server.end('SIGKILL');
  }
}

async function embedded(run: BenchRun, bare: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'coupon-bench-'));
  const port = await freePort();
  const backend = { env: { DATA_DIR: directory }, redis: undefined, remove: async () => undefined };
  const service = await ServiceProcess.start(backend, port);
  const url = `http://127.0.0.1:${port}`;
  const targets = { profile: 'embedded', url, bare, client: new Client(url), persists: true };
  try {
    await measureClaims(run, targets, 0.4, [100]);
    await measureRows(run, targets);
    await measureRefusals(run, targets, 0.9);
    await measureAttacks(run, targets);
    await measureWatching(run, targets, EXTENT.watchers);
  } finally {
    await service.end('SIGTERM');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs a group of measurements on new servers, because the data of other measurements would slow them down. */
async function onCluster(
  counts: { apis: number; workers: number },
  work: (cluster: Cluster, url: string) => Promise<void>,
): Promise<void> {
  const cluster = await Cluster.start(counts, {}, { mariadb: MARIADB });
  try {
    const [api] = cluster.apis();
    if (api === undefined) throw new Error('no api');
    await work(cluster, api.url);
  } finally {
    await cluster.stop();
  }
}

async function distributed(run: BenchRun, bare: string): Promise<void> {
  await onCluster({ apis: 1, workers: 0 }, async (cluster, url) => {
    const targets = { profile: 'distributed', url, bare, client: cluster.client() };
    await withYardstick([...HEAP, LEAST], cluster.environment, (least) =>
      measureClaims(run, { ...targets, least }, 0.7, [100, 400]),
    );
    await measureRefusals(run, targets, 0.9);
    await measureLatency(run, targets);
    await measureWatching(run, targets, EXTENT.watchers);
    await measureCounts(run, cluster, url, EXTENT.counts);
    await measureStarts(run, cluster);
  });
  await onCluster({ apis: 1, workers: 0 }, (cluster) => measurePersistence(run, cluster, EXTENT.backlog));
  await onCluster({ apis: 1, workers: 1 }, async (cluster, url) => {
    await measureRestart(run, cluster, url);
    await measureSizes(run, cluster, url, EXTENT.sizes);
  });
  await onCluster({ apis: 1, workers: 1 }, async (cluster, url) => {
    const together = 'distributed, acknowledged claim while a worker persists it, 100 connections';
    if (run.wants(together)) {
      const endless = [await cluster.client().createCampaign(ENDLESS)];
      const rateOf = (server: string) => (seconds: number) => rate(server, endless, 100, seconds);
      const ours = untilPersisted(rateOf(url), cluster.client(), endless[0] as string);
      await run.compare(together, ours, { yardstick: 'bare Fastify', atLeast: 0, rate: rateOf(bare) });
    }
    await measureAttacks(run, { profile: 'distributed', url, bare, client: cluster.client() });
    await measureVisibility(run, cluster, url);
    await measureTwoApis(run, cluster, url);
    await measureMemory(run, cluster, EXTENT.claims);
  });
}

async function main(): Promise<void> {
  if (options.help) {
    console.log(HELP);
    return;
  }
  const missing = missingPrograms();
  if (missing.length > 0) throw new Error(howToInstall(missing));
  const run = new BenchRun(EXTENT.rounds, EXTENT.seconds, EXTENT.warmUp, options.only);
  run.say(`${run.rounds} rounds of ${run.seconds} s each, load by ${generator}, Node ${process.version}`);
  // Everything that the bench starts is below one directory, so that all of it can be removed.
  const root = mkdtempSync(join(tmpdir(), 'coupon-bench-root-'));
  process.env.TMPDIR = root;
  const remove = () => rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  endWithUs(remove);
  try {
    await withYardstick([BARE], {}, (bare) => embedded(run, bare));
    await measureEmbeddedFile(run, EXTENT.coupons);
    await withYardstick([...HEAP, BARE], {}, (bare) => distributed(run, bare));
  } finally {
    write(run);
    await endLeftovers(root);
    remove();
  }
  run.requireNumbers();
}

/** Writes the results, also those from before an error. */
function write({ comparisons, figures }: BenchRun): void {
  const table = markdown(comparisons, figures, generator);
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, 'results.json'), `${JSON.stringify({ comparisons, figures }, null, 2)}\n`);
  writeFileSync(join(options.out, 'results.svg'), svg(comparisons));
  writeFileSync(join(options.out, 'results.md'), table);
  console.log(`\n${table}\nalso in ${options.out}/`);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
