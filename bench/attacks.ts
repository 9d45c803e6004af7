import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type AttackPlan } from './attack.js';
import { type BenchRun } from './bench-run.js';
import { caughtUp, ENDLESS, type Targets, rate } from './claims.js';
import { load, openLoadCountingFailures } from './load.js';
import { type OpenLoopResult } from './open-loop.js';

const ATTACK = fileURLToPath(new URL('attack.ts', import.meta.url));
const LOADER = new URL('../test/support/typescript-loader.mjs', import.meta.url).href;
/** How many of the shortest requests one write of 64 KB holds. */
const BURST = 1_764;
/** Claims a second of all other callers, well below what the service can do. */
const CLAIMS = 500;

/** Starts an attack, waits for its first answer or three seconds, and returns the function that ends it. */
async function attack(plan: AttackPlan): Promise<() => Promise<void>> {
  const child: ChildProcess = spawn(process.execPath, ['--import', LOADER, ATTACK, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const patience = new AbortController();
  const late = setTimeout(() => patience.abort(), 3_000);
  await once(child.stdout as NodeJS.ReadableStream, 'data', { signal: patience.signal }).catch(() => undefined);
  clearTimeout(late);
  return async () => {
    child.kill('SIGKILL');
    await once(child, 'close');
  };
}

/** Measures the claims of other callers while one caller pipelines without end, or fifty callers read without end. */
export async function measureAttacks(run: BenchRun, { profile, url, client }: Targets): Promise<void> {
  const kinds = (campaign: string): readonly (readonly [name: string, paths: readonly string[]])[] => [
    ['/metrics', ['/metrics']],
    ['the status of claims', [`/api/campaigns/${campaign}/claims/attacker`]],
    ['/docs-json', ['/docs-json']],
    ['campaigns', ['/api/campaigns?limit=1000']],
    ['a mixture', ['/metrics', `/api/campaigns/${campaign}/claims/attacker`, '/docs-json', '/api/campaigns/default']],
  ];
  const bursts = (kind: string, connections: number) =>
    `${profile}, p99 of a claim beside ${connections === 1 ? 'one connection' : `${connections} connections`} with bursts of ${kind}`;
  const reads = (kind: string) => `${profile}, acknowledged claim beside 50 connections that read ${kind}`;
  const all = kinds('x').flatMap(([kind]) => [bursts(kind, 1), bursts(kind, 50), reads(kind)]);
  if (!run.wants(...all)) return;
  const campaign = await client.createCampaign(ENDLESS);
  await client.apply('attacker', campaign);
  await rate(url, [campaign], 100, run.warmUpSeconds);
  for (const [kind, paths] of kinds(campaign)) {
    for (const connections of [1, 50]) {
      const name = bursts(kind, connections);
      if (run.wants(name)) await measureP99(run, name, { url, connections, burst: BURST, paths }, campaign);
    }
    const name = reads(kind);
    if (!run.wants(name)) continue;
    const claims = async (seconds: number) => {
      // The attack can cause refusals and missing answers, so only accepted claims count.
      const { requests, refused, perSecond } = await load({
        url,
        campaignIds: [campaign],
        users: 'unique',
        connections: 100,
        seconds,
      });
      await caughtUp(client, campaign);
      return perSecond * (1 - refused / Math.max(1, requests));
    };
    const beside = async (seconds: number) => {
      const end = await attack({ url, connections: 50, burst: 1, paths });
      try {
        return await claims(seconds);
      } finally {
        await end();
      }
    };
    await run.compare(name, beside, { yardstick: 'the same without them', atLeast: 0.6, rate: claims });
  }
}

async function measureP99(run: BenchRun, name: string, plan: AttackPlan, campaign: string): Promise<void> {
  const claims = (): Promise<OpenLoopResult> =>
    openLoadCountingFailures({
      url: plan.url,
      campaignIds: [campaign],
      connections: 20,
      perSecond: CLAIMS,
      seconds: run.seconds,
      warmUpSeconds: 0.5,
    });
  const pairs: [number, number][] = [];
  for (let round = 0; round < run.rounds; round++) {
    const quiet = await claims();
    const end = await attack(plan);
    const beside = await claims().finally(end);
    if (quiet.refused + quiet.broken + beside.refused > 0) throw new Error(`${name}: claims were refused`);
    pairs.push([beside.p99, quiet.p99]);
    const [own, base] = [beside, quiet].map(({ p99, broken }) => `${p99.toFixed(1)} ms, ${broken} without an answer`);
    run.say(`${name}: ${own} against ${base}`);
  }
  run.comparisons.push({ name, yardstick: 'the same without it', unit: 'ms', atMost: 3, pairs });
}
