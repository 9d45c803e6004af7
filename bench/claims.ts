import { Client } from '../test/support/client.js';
import { type BenchRun, type Rate } from './bench-run.js';
import { load, openLoad } from './load.js';
import { type OpenLoopResult } from './open-loop.js';

/** A total that no run of the bench can sell out. */
export const ENDLESS = 10_000_000;

/** The service under load, and the bare server to compare it with. */
export interface Targets {
  readonly profile: string;
  readonly url: string;
  readonly bare: string;
  /** The server that does only the least work for a claim, if there is one. */
  readonly least?: string;
  /** Calls all processes, to prepare campaigns. */
  readonly client: Client;
  /** True if the process that answers also writes the rows. Then it must finish them before the yardstick's turn. */
  readonly persists?: boolean;
}

/** Measures the rate of answers. All of them must be of the expected kind. */
export async function rate(
  url: string,
  campaignIds: readonly string[],
  connections: number,
  seconds: number,
  { users = 'unique', refusals = false } = {},
): Promise<number> {
  const result = await load({ url, campaignIds, users, connections, seconds });
  const wrong = refusals ? result.requests - result.refused : result.refused;
  // Calls that are under way when the load ends may count as broken, at most one for each connection.
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

/** Measures claims and returns when they have their rows, so that this work does not fall into the next turn. */
export function untilPersisted(claims: Rate, client: Client, campaignId: string): Rate {
  return async (seconds) => {
    const perSecond = await claims(seconds);
    await caughtUp(client, campaignId);
    return perSecond;
  };
}

/** Measures acknowledged claims of new users, one at a time on each connection. */
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
    await requireSameReply(url, bare, endless[0] as string);
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

/** Measures claims together with their rows: the time ends when the last row is there. */
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

/** @throws if the yardstick's reply has other headers or other fields in its body than the service's reply. */
async function requireSameReply(url: string, bare: string, campaignId: string): Promise<void> {
  const [ours, theirs] = await Promise.all([url, bare].map((server) => shapeOf(server, campaignId)));
  if (ours !== theirs) throw new Error(`the bare server answers\n${theirs}\nand ours\n${ours}`);
}

/** Headers whose values differ between answers. Only their names are compared. */
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
      // The load only tells 2xx from other statuses. The service's metrics show that it was this refusal.
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

/** How many calls the service has answered with this outcome, by its own metrics. */
async function decided(url: string, campaign: string, outcome: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(
    new RegExp(`^coupon_claims_total\\{campaign="${campaign}",outcome="${outcome}"\\} (\\d+)$`, 'm').exec(
      metrics,
    )?.[1] ?? 0,
  );
}

/**
 * Measures how long a claim takes at half of the service's highest rate, against the bare server at the same rate. The
 * ratio compares times, so less is better here.
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
    // The two take turns in beginning a round.
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
