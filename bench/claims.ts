import { Client } from '../test/support/client.js';
import { type BenchRun, type Rate } from './bench-run.js';
import { load, openLoad } from './load.js';
import { type OpenLoopResult } from './open-loop.js';

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

/** Waits until every claim that the gate knows has its row. */
export async function caughtUp(client: Client, campaignId: string): Promise<void> {
  const deadline = performance.now() + 300_000;
  for (;;) {
    const { gate, rows } = (await client.audit(campaignId)) as { gate: number; rows: number };
    if (rows >= gate) return;
    if (performance.now() > deadline) throw new Error(`only ${rows} of ${gate} rows`);
    await new Promise((wake) => setTimeout(wake, 200));
  }
}

/** A rate of claims that returns when they have their rows: what is left to do must not fall into the next one's turn. */
export function untilPersisted(claims: Rate, client: Client, campaignId: string): Rate {
  return async (seconds) => {
    const perSecond = await claims(seconds);
    await caughtUp(client, campaignId);
    return perSecond;
  };
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
    const ours = persists ? untilPersisted(rateOf(url), client, endless[0] as string) : rateOf(url);
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
    [soldOut, 'unique', 'sold_out'],
    [soldOut, 'winner', 'already_claimed'],
    [closed, 'unique', 'not_started'],
  ] as const;
  for (const [index, [campaign, users, outcome]] of scenarios.entries()) {
    const name = names[index] as string;
    const ours = async (seconds: number) => {
      const before = await decided(url, campaign, outcome);
      const perSecond = await rate(url, [campaign], 100, seconds, { users, refusals: true });
      const refused = (await decided(url, campaign, outcome)) - before;
      // The load tells 2xx from the rest; the service itself says that it was this refusal and no other.
      if (refused < 0.99 * perSecond * seconds) throw new Error(`${outcome}: ${refused} at ${perSecond}/s`);
      return perSecond;
    };
    await run.compare(name, ours, {
      yardstick: 'bare Fastify',
      atLeast,
      rate: (seconds) => rate(bare, [campaign], 100, seconds, { users }),
    });
  }
}

/** How many calls the service has answered so, by its own metrics. */
async function decided(url: string, campaign: string, outcome: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(
    new RegExp(`^coupon_claims_total\\{campaign="${campaign}",outcome="${outcome}"\\} (\\d+)$`, 'm').exec(
      metrics,
    )?.[1] ?? 0,
  );
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
  const plan = {
    campaignIds: endless,
    connections: 100,
    perSecond: most / 2,
    seconds: run.seconds,
    warmUpSeconds: 0.5,
  };
  const both: [ours: OpenLoopResult, theirs: OpenLoopResult][] = [];
  for (let round = 0; round < run.rounds; round++) {
    const open = (server: string) => openLoad({ ...plan, url: server });
    // Each begins every other round.
    const early = round % 2 === 1 ? await open(url) : undefined;
    const theirs = await open(bare);
    const ours = early ?? (await open(url));
    both.push([ours, theirs]);
    const [own, base] = [ours, theirs].map(({ p99, ownDelay }) => `${p99.toFixed(1)} ms (${ownDelay.toFixed(1)})`);
    run.say(`${name}: ${own} against ${base}; in brackets how late the generator was by itself`);
  }
  const of = { name, unit: 'ms' };
  run.comparisons.push(
    {
      ...of,
      yardstick: 'bare Fastify at the same rate',
      atMost: 4,
      pairs: both.map(([ours, theirs]) => [ours.p99, theirs.p99]),
    },
    {
      ...of,
      yardstick: 'the same, both without what the generator was late',
      atMost: 4,
      pairs: both.map(([ours, theirs]) => [ours.p99SinceNoticed, theirs.p99SinceNoticed]),
    },
  );
  run.note({ name: name.replace('p99', 'p50'), unit: 'ms', values: both.map(([{ p50 }]) => p50) });
  run.note({ name: name.replace('p99', 'slowest'), unit: 'ms', values: both.map(([{ max }]) => max) });
}
