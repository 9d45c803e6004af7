import { Client } from '../test/support/client.js';
import { type BenchRun } from './bench-run.js';
import { load, openLoad } from './load.js';
import { type OpenLoopResult } from './open-loop.js';
import { caughtUp } from './visibility.js';

/** So many that no run of the bench ever sells them out. */
export const ENDLESS = 10_000_000;

/** What is loaded, and the bare server that it is compared with. */
export interface Targets {
  readonly profile: string;
  readonly url: string;
  readonly bare: string;
  /** The server that does no more than a claim has to, where there is one. */
  readonly least?: string;
  /** Of all the processes together, to prepare campaigns. */
  readonly client: Client;
  /** Whoever answers writes the rows as well: what is left of them must not fall into the yardstick's turn. */
  readonly persists?: boolean;
}

/** The rate of answers, all of which have to be what the scenario is about. */
export async function rate(
  url: string,
  campaignIds: readonly string[],
  connections: number,
  seconds: number,
  { users = 'unique', refusals = false } = {},
): Promise<number> {
  const result = await load({ url, campaignIds, users, connections, seconds });
  const wrong = refusals ? result.requests - result.refused : result.refused;
  // Calls that were under way when the load ended are counted by nobody.
  if (wrong + result.broken > connections) {
    throw new Error(`${wrong} answers of another kind and ${result.broken} without one, of ${result.requests}`);
  }
  return result.perSecond;
}

/** Acknowledged claims of users who have none yet, as many as there are connections for. */
export async function measureClaims(
  run: BenchRun,
  { profile, url, bare, least, client, persists = false }: Targets,
  atLeast: number,
  connectionCounts: readonly number[],
): Promise<void> {
  for (const connections of connectionCounts) {
    const name = `${profile}, acknowledged claim, ${connections} connections`;
    if (!run.wants(name)) continue;
    const endless = [await client.createCampaign(ENDLESS)];
    await demandSameReply(url, bare, endless[0] as string);
    const rateOf = (server: string) => (seconds: number) => rate(server, endless, connections, seconds);
    const ours = async (seconds: number) => {
      const perSecond = await rateOf(url)(seconds);
      if (persists) await caughtUp(client, endless[0] as string);
      return perSecond;
    };
    await run.compare(
      name,
      ours,
      { yardstick: 'bare Fastify', atLeast, rate: rateOf(bare) },
      ...(least === undefined ? [] : [{ yardstick: 'the least server', atLeast: 0, rate: rateOf(least) }]),
    );
  }
}

/** Claims and their rows: the time that counts ends when the last row is there. */
export async function measureRows(run: BenchRun, { profile, url, bare, client }: Targets): Promise<void> {
  const name = `${profile}, acknowledged claim and its row, 100 connections`;
  if (!run.wants(name)) return;
  const endless = [await client.createCampaign(ENDLESS)];
  const ours = async (seconds: number) => {
    const began = performance.now();
    const claims = seconds * (await rate(url, endless, 100, seconds));
    await caughtUp(client, endless[0] as string);
    return claims / ((performance.now() - began) / 1_000);
  };
  const theirs = (seconds: number) => rate(bare, endless, 100, seconds);
  await run.compare(name, ours, { yardstick: 'bare Fastify', atLeast: 0, rate: theirs });
}

/** @throws where the yardstick does not write what ours writes: each header, and the fields of the body. */
async function demandSameReply(url: string, bare: string, campaignId: string): Promise<void> {
  const [ours, theirs] = await Promise.all([url, bare].map((server) => shapeOf(server, campaignId)));
  if (ours !== theirs) throw new Error(`the bare server answers\n${theirs}\nand ours\n${ours}`);
}

/** What differs from one answer to the next is there by name only. */
const VARYING = new Set(['content-length', 'x-request-id', 'date']);

async function shapeOf(url: string, campaignId: string): Promise<string> {
  const { status, headers, body } = await new Client(url).apply('the-reply', campaignId);
  const written = [...headers].map(([name, value]) => (VARYING.has(name) ? name : `${name}: ${value}`));
  return [status, ...written.sort(), Object.keys(body)].join('\n');
}

export async function measureRefusals(
  run: BenchRun,
  { profile, url, bare, client }: Targets,
  atLeast: number,
): Promise<void> {
  const names = ['sold out', 'already claimed', 'not open'].map((what) => `${profile}, refusal: ${what}`);
  if (!run.wants(...names)) return;
  const soldOut = await client.createCampaign(1);
  if ((await client.apply('winner', soldOut)).status !== 202) throw new Error('the only coupon was not given out');
  const closed = await client.createCampaign(1, { startsAt: '2100-01-01T00:00:00Z' });
  const scenarios = [
    [soldOut, 'unique'],
    [soldOut, 'winner'],
    [closed, 'unique'],
  ] as const;
  for (const [index, [campaign, users]] of scenarios.entries()) {
    const name = names[index] as string;
    await run.compare(name, (seconds) => rate(url, [campaign], 100, seconds, { users, refusals: true }), {
      yardstick: 'bare Fastify',
      atLeast,
      rate: (seconds) => rate(bare, [campaign], 100, seconds, { users }),
    });
  }
}

/**
 * What a claim takes at half of the rate that the service can do at all, against the bare server at the same rate. The
 * ratio is that of the times, so here less is better.
 */
export async function measureLatency(run: BenchRun, { profile, url, bare, client }: Targets): Promise<void> {
  const name = `${profile}, p99 of an acknowledged claim at half its maximum rate`;
  if (!run.wants(name)) return;
  const endless = [await client.createCampaign(ENDLESS)];
  await rate(bare, endless, 100, run.warmUpSeconds);
  await rate(url, endless, 100, run.warmUpSeconds);
  const most = await rate(url, endless, 100, Math.max(2, run.seconds));
  const plan = { campaignIds: endless, connections: 100, perSecond: most / 2, seconds: run.seconds };
  const pairs: [number, number][] = [];
  const tails: OpenLoopResult[] = [];
  for (let round = 0; round < run.rounds; round++) {
    const base = await openLoad({ ...plan, url: bare });
    const ours = await openLoad({ ...plan, url });
    pairs.push([ours.p99, base.p99]);
    tails.push(ours);
    const [own, theirs] = [ours, base].map(({ p99, ownDelay }) => `${p99.toFixed(1)} ms (${ownDelay.toFixed(1)})`);
    run.say(`${name}: ${own} against ${theirs}; in brackets what of it is the generator's own`);
  }
  run.comparisons.push({ name, yardstick: 'bare Fastify at the same rate', atMost: 4, unit: 'ms', pairs });
  run.note({ name: `${profile}, p50 of the same`, unit: 'ms', values: tails.map(({ p50 }) => p50) });
  run.note({ name: `${profile}, slowest of the same`, unit: 'ms', values: tails.map(({ max }) => max) });
}
