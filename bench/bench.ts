import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { endLeftovers } from '../stack/leftovers.js';
import { howToInstall, missingPrograms } from '../stack/missing-programs.js';
import { freePort } from '../stack/server-process.js';
import { Client } from '../test/support/client.js';
import { Cluster, IMAGE_COMMAND } from '../test/support/cluster.js';
import { ServiceProcess } from '../test/support/service-process.js';
import { measureAttacks } from './attacks.js';
import { BenchRun } from './bench-run.js';
import { bisect } from './bisection.js';
import { measureCounts, measureSizes } from './campaigns.js';
import {
  claimsOf,
  ENDLESS,
  measureClaims,
  measureLatency,
  measureRefusals,
  measureRows,
  REFUSALS,
  type Rival,
  type Server,
  type Targets,
  untilPersisted,
} from './claims.js';
import { endWithUs } from './end-with-us.js';
import { generator } from './load.js';
import { machine } from './machine.js';
import { type BenchOptions, HELP, readOptions, type RivalOptions } from './options.js';
import { measurePersistence } from './persistence.js';
import { measureEmbeddedFile, measureMemory, measureRestart, measureStarts, measureTwoApis } from './processes.js';
import { markdown, svg } from './report.js';
import { measureVisibility } from './visibility.js';
import { measureWatching } from './watching.js';

const BARE = resolve('bench/bare-server.mjs');
const LEAST = resolve('bench/least-server.mjs');
/**
 * For a table of millions of rows. With less memory the database writes back in bursts, which would slow down any turn.
 */
const MARIADB = ['--innodb-buffer-pool-size=1G', '--innodb-log-file-size=512M'];
/** Node's settings in the image. */
const HEAP = IMAGE_COMMAND.filter((part) => part.startsWith('--'));

/**
 * How many times as much processor time as the bare server a claim or a refusal may take; issue 22 has the aims.
 */
const CLAIM_PROCESSOR = 1.6;
const SOLD_OUT_PROCESSOR = 1.05;
const EMBEDDED_CLAIM_PROCESSOR = 1.9;
const REFUSAL_GOALS = { atLeast: 0.9, processorAtMost: SOLD_OUT_PROCESSOR };

/** For processor times alone there is no time for all refusals. */
const refusalsFor = (cpu: boolean) => (cpu ? (['sold out', 'already claimed'] as const) : REFUSALS);

/** Runs `work` with a yardstick server, which has the same heap as the service. */
async function withYardstick(
  command: readonly string[],
  env: Record<string, string>,
  work: (server: Server) => Promise<void>,
): Promise<void> {
  const port = await freePort();
  const server = ServiceProcess.spawn({ ...env, PORT: String(port) }, command);
  try {
    await server.printed(/listening on/);
    await work({ url: `http://127.0.0.1:${port}`, processes: { server: server.pid } });
  } finally {
    await server.end('SIGKILL');
  }
}

async function embedded(run: BenchRun, { cpu, extent }: BenchOptions, bare: Server, rival?: Rival): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'coupon-bench-'));
  const port = await freePort();
  const backend = { env: { DATA_DIR: directory }, redis: undefined, remove: async () => undefined };
  const service = await ServiceProcess.start(backend, port, {}, IMAGE_COMMAND);
  const url = `http://127.0.0.1:${port}`;
  const processes = { service: service.pid };
  const targets = { profile: 'embedded', url, processes, bare, rival, client: new Client(url), persists: true };
  try {
    await measureClaims(run, targets, { atLeast: 0.4, processorAtMost: EMBEDDED_CLAIM_PROCESSOR }, [100]);
    await measureRows(run, targets);
    await measureRefusals(run, targets, REFUSAL_GOALS, refusalsFor(cpu));
    if (cpu) return;
    await measureAttacks(run, targets);
    await measureWatching(run, targets, extent.watchers);
  } finally {
    await service.end('SIGTERM');
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs a group of measurements on new servers, because the data of other measurements would slow them down. */
async function onCluster(
  counts: { apis: number; workers: number },
  work: (cluster: Cluster, targets: Omit<Targets, 'bare'>) => Promise<void>,
): Promise<void> {
  const cluster = await Cluster.start(counts, {}, { mariadb: MARIADB });
  try {
    const [api] = cluster.apis();
    if (api === undefined) throw new Error('no api');
    const { redis, kafka, mariadb } = cluster.servers;
    const [worker] = cluster.workers();
    const processes = {
      api: api.process.pid,
      ...(worker === undefined ? {} : { worker: worker.process.pid }),
      Redis: redis.pid,
      Kafka: kafka.pid,
      // Without a worker the database has nothing to do with a claim.
      ...(worker === undefined ? {} : { MariaDB: mariadb.pid }),
    };
    await work(cluster, { profile: 'distributed', url: api.url, processes, client: cluster.client() });
  } finally {
    await cluster.stop();
  }
}

async function distributed(run: BenchRun, { cpu, extent }: BenchOptions, bare: Server, rival?: Rival): Promise<void> {
  const claimGoals = { atLeast: 0.7, processorAtMost: CLAIM_PROCESSOR };
  if (cpu) {
    await onCluster({ apis: 1, workers: 0 }, async (_cluster, targets) => {
      await measureClaims(run, { ...targets, bare, rival }, claimGoals, [100]);
      await measureRefusals(run, { ...targets, bare }, REFUSAL_GOALS, refusalsFor(cpu));
    });
    return;
  }
  await onCluster({ apis: 1, workers: 0 }, async (cluster, api) => {
    const targets = { ...api, bare, rival };
    await withYardstick([...HEAP, LEAST], cluster.environment, (least) =>
      measureClaims(run, { ...targets, least }, claimGoals, [100, 400]),
    );
    await measureRefusals(run, targets, REFUSAL_GOALS);
    await measureLatency(run, targets);
    await measureWatching(run, targets, extent.watchers);
    await measureCounts(run, cluster, api.url, extent.counts);
    await measureStarts(run, cluster);
  });
  await onCluster({ apis: 1, workers: 0 }, (cluster) => measurePersistence(run, cluster, extent.backlog));
  await onCluster({ apis: 1, workers: 1 }, async (cluster, { url }) => {
    await measureRestart(run, cluster, url);
    await measureSizes(run, cluster, url, extent.sizes);
  });
  await onCluster({ apis: 1, workers: 1 }, async (cluster, targets) => {
    const { url, client } = targets;
    const together = 'distributed, acknowledged claim while a worker persists it, 100 connections';
    if (run.wants(together)) {
      const endless = [await client.createCampaign(ENDLESS)];
      const ours = untilPersisted(claimsOf(targets, endless, 100), client, endless[0] as string);
      await run.compare(together, ours, {
        yardstick: 'bare Fastify',
        atLeast: 0,
        rate: claimsOf(bare, endless, 100),
      });
    }
    await measureAttacks(run, { ...targets, bare });
    await measureVisibility(run, cluster, url);
    await measureTwoApis(run, cluster, url);
    await measureMemory(run, cluster, extent.claims);
  });
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    console.log(HELP);
    return;
  }
  const missing = missingPrograms();
  if (missing.length > 0) throw new Error(howToInstall(missing));
  const { extent } = options;
  const run = new BenchRun(extent.rounds, extent.seconds, extent.warmUp, options.only);
  run.say(`${run.rounds} rounds of ${run.seconds} s each, load by ${generator}, ${machine()}`);
  // Everything that the bench starts is below one directory, so that all of it can be removed.
  const root = mkdtempSync(join(tmpdir(), 'coupon-bench-root-'));
  process.env.TMPDIR = root;
  const remove = () => rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  endWithUs(remove);
  const rival = options.rival === undefined ? undefined : rivalOf(options.rival);
  try {
    // A smoke run shows of the bisection only that it works, and takes the embedded profile for that.
    if (options.bisect || (options.smoke && !options.cpu)) {
      await withYardstick([...HEAP, BARE], {}, (bare) => bisectEmbedded(run, bare, root));
    }
    if (options.bisect) {
      await withYardstick([...HEAP, BARE], {}, (bare) => bisectDistributed(run, bare, root));
    } else {
      await withYardstick([...HEAP, BARE], {}, (bare) => embedded(run, options, bare, rival));
      if (!options.cpu) await measureEmbeddedFile(run, extent.coupons);
      await withYardstick([...HEAP, BARE], {}, (bare) => distributed(run, options, bare, rival));
    }
  } finally {
    write(run, options.out);
    await endLeftovers(root);
    remove();
  }
  run.requireNumbers();
}

function bisectEmbedded(run: BenchRun, bare: Server, root: string): Promise<void> {
  return bisect(run, bare, { profile: 'embedded', env: {}, node: HEAP, servers: {}, root: join(root, 'layers') });
}

function bisectDistributed(run: BenchRun, bare: Server, root: string): Promise<void> {
  return onCluster({ apis: 1, workers: 0 }, (cluster) => {
    const { redis, kafka } = cluster.servers;
    const servers = { Redis: redis.pid, Kafka: kafka.pid };
    return bisect(run, bare, { profile: 'distributed', env: cluster.environment, node: HEAP, servers, root });
  });
}

function rivalOf({ url, call, pids }: RivalOptions): Rival {
  return { url, call, processes: Object.fromEntries(pids.map((pid) => [`process ${pid}`, pid])) };
}

/** Writes the results, also those from before an error. */
function write({ comparisons, processor, layers, figures }: BenchRun, directory: string): void {
  const results = { comparisons, processor, layers, figures };
  const table = markdown(results, generator, machine());
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'results.json'), `${JSON.stringify({ machine: machine(), ...results }, null, 2)}\n`);
  writeFileSync(join(directory, 'results.svg'), svg(comparisons));
  writeFileSync(join(directory, 'results.md'), table);
  console.log(`\n${table}\nalso in ${directory}/`);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
