import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { freePort } from '../stack/server-process.js';
import { Client } from '../test/support/client.js';
import { ServiceProcess } from '../test/support/service-process.js';
import { ADMIN_TOKEN } from '../test/support/service.js';
import { type BenchRun, type Rate } from './bench-run.js';
import { claimsOf, ENDLESS, requireSameReply, type Server, untilPersisted } from './claims.js';
import { LAYER_CALL } from './load.js';
import { type Processes } from './processor.js';

const LAYER_SERVER = resolve('bench/layer-server.mjs');

/**
 * From the bare server to the service, in the order of a claim. Each server has what the one before has, and one layer
 * more. `makesRows`: its claims are taken by the consumer, so the next turn has to wait for it.
 */
const LAYERS: readonly { readonly layer: string; readonly makesRows?: true }[] = [
  { layer: 'route' },
  { layer: 'Nest' },
  { layer: 'body' },
  { layer: 'gate' },
  { layer: 'log', makesRows: true },
  { layer: 'reply', makesRows: true },
];

/** Where the servers of the layers find theirs. */
export interface Surroundings {
  readonly profile: 'embedded' | 'distributed';
  readonly env: Readonly<Record<string, string>>;
  /** Node's settings. */
  readonly node: readonly string[];
  /** Redis and Kafka, if there are any. */
  readonly servers: Processes;
  /** Below it, each embedded layer has a directory of its own. */
  readonly root: string;
}

/**
 * Measures the processor time of a claim from the bare server to the service, one layer a step, all in turn. What the
 * service lacks at a layer it does not do; everything else of it is there, the metrics and the watch too.
 */
export async function bisect(run: BenchRun, bare: Server, surroundings: Surroundings): Promise<void> {
  const { profile, servers } = surroundings;
  if (!run.wants(`${profile}, bisection`)) return;
  const started: ServiceProcess[] = [];
  try {
    const rates: Rate[] = [claimsOf(bare, ['bare'], 100)];
    for (const { layer, makesRows = false } of LAYERS) {
      const port = await freePort();
      const process = start(layer, port, surroundings);
      started.push(process);
      await process.printed(/listening on/);
      const url = `http://127.0.0.1:${port}`;
      const client = new Client(url);
      const campaign = await client.createCampaign(ENDLESS);
      const server = { url, processes: { [layer]: process.pid, ...servers } };
      if (layer === 'route') {
        rates.push(claimsOf(server, [campaign], 100, LAYER_CALL));
        continue;
      }
      await requireSameReply(url, bare.url, campaign);
      const claims = claimsOf(server, [campaign], 100);
      rates.push(makesRows && profile === 'embedded' ? untilPersisted(claims, client, campaign) : claims);
    }
    const layers = ['bare Fastify', ...LAYERS.map(({ layer }) => layer)];
    const rounds = await run.inTurn(rates, (turns) => {
      const times = turns.map(({ processor }) => Object.values(processor?.microseconds ?? {})[0]?.toFixed(0));
      run.say(`${profile}, µs of ${layers.map((layer, at) => `${layer} ${times[at]}`).join(', ')}`);
    });
    run.layers.push({
      profile,
      layers: layers.map((layer, at) => ({ layer, turns: rounds.flatMap((turns) => turns[at] ?? []) })),
    });
  } finally {
    await Promise.all(started.map((process) => process.end('SIGKILL')));
  }
}

function start(layer: string, port: number, { profile, env, node, root }: Surroundings): ServiceProcess {
  const directory = join(root, layer);
  mkdirSync(directory, { recursive: true });
  const own: Record<string, string> =
    profile === 'embedded' ? { DATA_DIR: directory, ADMIN_TOKEN } : { ...env, ROLES: 'api' };
  return ServiceProcess.spawn({ ...own, PORT: String(port) }, [...node, LAYER_SERVER, layer]);
}
