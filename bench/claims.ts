import { Client } from '../test/support/client.js';
import { type BenchRun, type Rate, type Yardstick } from './bench-run.js';
import { type Call, load, type LoadResult, openLoad } from './load.js';
import { type OpenLoopResult } from './open-loop.js';
import { type Processes, turnOf } from './processor.js';

/** A total that no run of the bench can sell out. */
export const ENDLESS = 10_000_000;

/** The service under load, and the bare server to compare it with. */
export interface Targets {
  readonly profile: string;
  readonly url: string;
  /** Those that have work with a request. */
  readonly processes: Processes;
  readonly bare: Server;
  /** The server that does only the least work for a claim, if there is one. */
  readonly least?: Server;
  /** Another system, if the command line names one. */
  readonly rival?: Rival | undefined;
  /** Calls all processes, to prepare campaigns. */
  readonly client: Client;
  /** True if the process that answers also writes the rows. Then it must finish them before the yardstick's turn. */
  readonly persists?: boolean;
}

/** A server to compare with. */
export interface Server {
  readonly url: string;
  readonly processes: Processes;
}

/** Another system, with a call of its own. */
export interface Rival extends Server {
  readonly call: Call;
}

/** Measures the rate of answers. All of them must be of the expected kind. */
export async function rate(...parameters: Parameters<typeof answers>): Promise<number> {
  return (await answers(...parameters)).perSecond;
}

async function answers(
  url: string,
  campaignIds: readonly string[],
  connections: number,
  seconds: number,
  { users = 'unique', refusals = false, call }: { users?: string; refusals?: boolean; call?: Call } = {},
): Promise<LoadResult> {
  const plan = { url, campaignIds, users, connections, seconds };
  const result = await load(call === undefined ? plan : { ...plan, call });
  const wrong = refusals ? result.requests - result.refused : result.refused;
  // Calls that are under way when the load ends may count as broken, at most one for each connection.
  if (wrong + result.broken > connections) {
    throw new Error(`${wrong} answers of another kind and ${result.broken} without one, of ${result.requests}`);
  }
  return result;
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
    const turn = await claims(seconds);
    await caughtUp(client, campaignId);
    return turn;
  };
}

/** Measures acknowledged claims of new users, and the processor time of a claim while the load lasts. */
export function claimsOf(
  { url, processes }: Server,
  campaignIds: readonly string[],
  connections: number,
  call?: Call,
): Rate {
  const options = call === undefined ? {} : { call };
  return (seconds) => turnOf(processes, () => answers(url, campaignIds, connections, seconds, options));
}

/** Measures acknowledged claims of new users, one at a time on each connection. */
export async function measureClaims(
  run: BenchRun,
  targets: Targets,
  goals: Goals,
  connectionCounts: readonly number[],
): Promise<void> {
  const { profile, url, bare, least, rival, client, persists = false } = targets;
  for (const connections of connectionCounts) {
    const name = `${profile}, acknowledged claim, ${connections} connections`;
    if (!run.wants(name)) continue;
    const endless = [await client.createCampaign(ENDLESS)];
    await requireSameReply(url, bare.url, endless[0] as string);
    const claims = claimsOf(targets, endless, connections);
    const ours = persists ? untilPersisted(claims, client, endless[0] as string) : claims;
    const others: Yardstick[] = [];
    if (least !== undefined) {
      others.push({ yardstick: 'the least server', atLeast: 0, rate: claimsOf(least, endless, connections) });
    }
    if (rival !== undefined) {
      const theirs = claimsOf(rival, endless, connections, rival.call);
      others.push({ yardstick: rival.url + rival.call.path, atLeast: 0, rate: theirs });
    }
    await run.compare(
      name,
      ours,
      { yardstick: 'bare Fastify', ...goals, rate: claimsOf(bare, endless, connections) },
      ...others,
    );
  }
}

/** Measures claims together with their rows: rate and processor time end when the last row is there. */
export async function measureRows(run: BenchRun, { profile, url, processes, bare, client }: Targets): Promise<void> {
  const name = `${profile}, acknowledged claim and its row, 100 connections`;
  if (!run.wants(name)) return;
  const endless = [await client.createCampaign(ENDLESS)];
  const ours: Rate = (seconds) =>
    turnOf(processes, async () => {
      const began = performance.now();
      const { requests } = await answers(url, endless, 100, seconds);
      await caughtUp(client, endless[0] as string);
      return { requests, perSecond: requests / ((performance.now() - began) / 1_000) };
    });
  await run.compare(name, ours, { yardstick: 'bare Fastify', atLeast: 0, rate: claimsOf(bare, endless, 100) });
}

/** @throws if the yardstick's reply has other headers or other fields in its body than the service's reply. */
export async function requireSameReply(url: string, bare: string, campaignId: string): Promise<void> {
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

/** The goals of a comparison with the bare server. */
export interface Goals {
  readonly atLeast: number;
  readonly processorAtMost?: number;
}

export const REFUSALS = ['sold out', 'already claimed', 'not open'] as const;

export async function measureRefusals(
  run: BenchRun,
  { profile, url, processes, bare, client }: Targets,
  goals: Goals,
  kinds: readonly (typeof REFUSALS)[number][] = REFUSALS,
): Promise<void> {
  const nameOf = (kind: string): string => `${profile}, refusal: ${kind}`;
  if (!run.wants(...kinds.map(nameOf))) return;
  const soldOut = await client.createCampaign(1);
  if ((await client.apply('winner', soldOut)).status !== 202) throw new Error('the only coupon was not given out');
  const closed = await client.createCampaign(1, { startsAt: '2100-01-01T00:00:00Z' });
  const scenarios = {
    'sold out': [soldOut, 'unique', 'sold_out'],
    'already claimed': [soldOut, 'winner', 'already_claimed'],
    'not open': [closed, 'unique', 'not_started'],
  } as const;
  for (const kind of kinds) {
    const [campaign, users, outcome] = scenarios[kind];
    const ours: Rate = async (seconds) => {
      const before = await decided(url, campaign, outcome);
      const turn = await turnOf(processes, () => answers(url, [campaign], 100, seconds, { users, refusals: true }));
      const refused = (await decided(url, campaign, outcome)) - before;
      // The load only tells 2xx from other statuses. The service's metrics show that it was this refusal.
      if (refused < 0.99 * turn.perSecond * seconds) throw new Error(`${outcome}: ${refused} at ${turn.perSecond}/s`);
      return turn;
    };
    await run.compare(nameOf(kind), ours, {
      yardstick: 'bare Fastify',
      atLeast: goals.atLeast,
      ...(kind === 'sold out' ? goals : {}),
      rate: (seconds) => turnOf(bare.processes, () => answers(bare.url, [campaign], 100, seconds, { users })),
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
export async function measureLatency(
  run: BenchRun,
  { profile, url, bare: { url: bare }, client }: Targets,
): Promise<void> {
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
