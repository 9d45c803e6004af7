import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../stack/server-process.js';
import { Client } from '../test/support/client.js';
import { type Cluster } from '../test/support/cluster.js';
import { ServiceProcess } from '../test/support/service-process.js';
import { ADMIN_TOKEN } from '../test/support/service.js';
import { type BenchRun } from './bench-run.js';
import { caughtUp, ENDLESS, rate } from './claims.js';
import { load } from './load.js';

/**
 * Measures the embedded profile on one data directory: the memory of the process after this many persisted claims, MB,
 * and how long a start with their coupons takes, s.
 */
export async function measureEmbeddedFile(run: BenchRun, claims: number): Promise<void> {
  const memory = `resident memory, embedded, after ${claims.toLocaleString('en')} claims`;
  const start = `start, embedded, ${claims.toLocaleString('en')} coupons in the file`;
  if (!run.wants(memory, start)) return;
  const directory = mkdtempSync(join(tmpdir(), 'coupon-start-'));
  const env = { DATA_DIR: directory, ADMIN_TOKEN };
  try {
    const port = await freePort();
    const service = await ServiceProcess.start({ env, redis: undefined, remove: async () => undefined }, port);
    try {
      const url = `http://127.0.0.1:${port}`;
      const client = new Client(url);
      const campaign = await client.createCampaign(claims);
      await sellOut(client, url, campaign, claims);
      await caughtUp(client, campaign);
      if (run.wants(memory)) {
        run.note({ name: memory, unit: 'MB', values: [residentMb(service.pid)], atMost: 250 });
      }
    } finally {
      await service.end('SIGTERM');
    }
    if (run.wants(start)) await measureStart(run, start, env, 2);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Measures the time from the start of a process until it is ready, s. */
export async function measureStarts(run: BenchRun, cluster: Cluster): Promise<void> {
  const nothingYet = 'start, embedded, nothing in the file';
  if (run.wants(nothingYet)) {
    const values: number[] = [];
    for (let round = 0; round < run.rounds; round++) {
      const directory = mkdtempSync(join(tmpdir(), 'coupon-start-'));
      values.push(await startOnce({ DATA_DIR: directory, ADMIN_TOKEN }));
      rmSync(directory, { recursive: true, force: true });
    }
    run.note({ name: nothingYet, unit: 's', values, atMost: 2 });
  }
  const distributed = 'start, distributed api';
  if (run.wants(distributed)) await measureStart(run, distributed, { ...cluster.environment, ROLES: 'api' }, 4);
}

async function measureStart(run: BenchRun, name: string, env: Record<string, string>, atMost: number): Promise<void> {
  const values: number[] = [];
  for (let round = 0; round < run.rounds; round++) values.push(await startOnce(env));
  run.note({ name, unit: 's', values, atMost });
}

/** Claims until the campaign is sold out. */
async function sellOut(client: Client, url: string, campaign: string, total: number): Promise<void> {
  for (let round = 0; ((await client.audit(campaign)) as { gate: number }).gate < total; round++) {
    if (round === 60) throw new Error('not sold out');
    await load({ url, campaignIds: [campaign], users: 'unique', connections: 50, seconds: 1 });
  }
}

async function startOnce(env: Record<string, string>): Promise<number> {
  const port = await freePort();
  const service = ServiceProcess.spawn({ ...env, PORT: String(port) });
  try {
    for (;;) {
      const response = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
      if (response !== undefined && ((await response.json()) as { status: string }).status === 'ok') break;
      if (service.age > 30_000) throw new Error(`not ready after 30 s:\n${service.text}`);
      await new Promise((wake) => setTimeout(wake, 10));
    }
    return service.age / 1_000;
  } finally {
    await service.end('SIGTERM');
  }
}

/** Measures two apis on one campaign against one api. */
export async function measureTwoApis(run: BenchRun, cluster: Cluster, url: string): Promise<void> {
  const name = 'two api processes on one campaign, 100 connections';
  if (!run.wants(name)) return;
  const second = await cluster.add('api');
  await cluster.ready();
  const campaign = [await cluster.client().createCampaign(ENDLESS)];
  const both = async (seconds: number) => {
    const rates = await Promise.all([url, second.url].map((one) => rate(one, campaign, 50, seconds)));
    return rates.reduce((sum, one) => sum + one, 0);
  };
  const one = (seconds: number) => rate(url, campaign, 100, seconds);
  await run.compare(name, both, { yardstick: 'one', atLeast: 0, rate: one });
  await cluster.end(second, 'SIGTERM');
}

/** Measures the memory of api and worker while claims pass through them. */
export async function measureMemory(run: BenchRun, cluster: Cluster, claims: number): Promise<void> {
  const name = `resident memory over ${claims.toLocaleString('en')} claims`;
  if (!run.wants(name)) return;
  const [api, worker] = [cluster.apis()[0], cluster.workers()[0]];
  if (api === undefined || worker === undefined) throw new Error('an api and a worker are needed');
  const campaign = await cluster.client().createCampaign(ENDLESS);
  const sizes = { api: [] as number[], worker: [] as number[] };
  let done = 0;
  for (let tenth = 1; tenth <= 10; tenth++) {
    while (done < (claims * tenth) / 10) {
      done += Math.round((await rate(api.url, [campaign], 100, run.seconds)) * run.seconds);
    }
    await caughtUp(cluster.client(), campaign);
    sizes.api.push(residentMb(api.process.pid));
    sizes.worker.push(residentMb(worker.process.pid));
  }
  for (const [who, values] of Object.entries(sizes)) {
    run.note({ name: `${name}, ${who}, after each tenth`, unit: 'MB', values });
    // Skip the first tenth, in which code is compiled and buffers grow.
    const pair = [values[9], values[1]] as [number, number];
    const yardstick = 'after the second';
    run.comparisons.push({
      name: `${name}, ${who}, after the last tenth`,
      yardstick,
      atMost: 1.25,
      unit: 'MB',
      pairs: [pair],
    });
  }
}

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
}

/** Measures how soon an api is ready again after a restart of Redis with this many claims to restore, s. */
export async function measureRestart(run: BenchRun, cluster: Cluster, url: string): Promise<void> {
  const name = 'ready again after a restart of Redis, 10,000 claims';
  if (!run.wants(name)) return;
  const client = cluster.client();
  const campaign = await client.createCampaign(10_000);
  await sellOut(client, url, campaign, 10_000);
  await caughtUp(client, campaign);
  const values: number[] = [];
  for (let round = 0; round < run.rounds; round++) {
    await cluster.servers.redis.kill();
    await cluster.servers.redis.start();
    const back = performance.now();
    for (;;) {
      const { body } = await client.apply('somebody', campaign);
      if (body.code === 'sold-out') break;
      if (performance.now() - back > 60_000) throw new Error('not ready after a minute');
      await new Promise((wake) => setTimeout(wake, 10));
    }
    values.push((performance.now() - back) / 1_000);
    // Wait: an epoch that is lost soon after its opening is rebuilt with a back-off, which is not measured here.
    await new Promise((wake) => setTimeout(wake, run.seconds * 2_000));
  }
  run.note({ name, unit: 's', values, atMost: 6 });
}
