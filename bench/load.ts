import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import autocannon from 'autocannon';
import { type OpenLoopPlan, type OpenLoopResult } from './open-loop.js';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('claims.lua', import.meta.url));
const OPEN_LOOP = fileURLToPath(new URL('open-loop.ts', import.meta.url));
const LOADER = new URL('../test/support/typescript-loader.mjs', import.meta.url).href;

/** Which users ask for which campaigns. */
export interface LoadPlan {
  readonly url: string;
  /** Requested in turn if there are several. */
  readonly campaignIds: readonly string[];
  /** `unique`: every call has a new user. Otherwise the one user of all calls. */
  readonly users: string;
  readonly connections: number;
  readonly seconds: number;
  /** By default, a claim of this service. */
  readonly call?: Call;
}

/** What is asked of a server: a POST of JSON. */
export interface Call {
  readonly path: string;
  /** `{user}` and `{number}` are other ones for each call, as text and as a number; `{campaign}` is one of the plan's. */
  readonly body: string;
}

const CLAIM: Call = { path: '/api/coupons/apply', body: '{"userId":"{user}","campaignId":"{campaign}"}' };
/** The same to the route of layer-server.mjs that Nest does not know. */
export const LAYER_CALL: Call = { ...CLAIM, path: '/layer' };

/** Latencies in ms. */
export interface LoadResult extends Omit<OpenLoopResult, 'ownDelay' | 'p99SinceNoticed'> {
  readonly perSecond: number;
}

/** wrk if it is installed: for the same load it takes a quarter of the processor time of autocannon. */
export const generator = hasWrk() ? 'wrk' : 'autocannon';

let runs = Math.floor(Date.now() / 1_000) % 100_000_000;

/** Runs a closed loop: each connection asks again when it has its answer. */
export function load(plan: LoadPlan): Promise<LoadResult> {
  runs += 1;
  return generator === 'wrk' ? withWrk(plan) : withAutocannon(plan);
}

/**
 * Runs an open loop in its own process; see {@link OpenLoopPlan}. @throws if there were refusals or missing answers: a
 * refusal is quicker than a claim, and the time of a call without an answer means nothing.
 */
export async function openLoad(plan: Omit<OpenLoopPlan, 'users'>): Promise<OpenLoopResult> {
  const result = await openLoadCountingFailures(plan);
  const { requests, refused, broken } = result;
  if ((refused + broken) * 1_000 > requests) throw new Error(`${refused} refused, ${broken} broken of ${requests}`);
  return result;
}

/** The same, but calls without an answer count: their time ends when the load gives them up. */
export async function openLoadCountingFailures(plan: Omit<OpenLoopPlan, 'users'>): Promise<OpenLoopResult> {
  runs += 1;
  const order: OpenLoopPlan = { ...plan, users: `r${runs}` };
  const { stdout } = await run(process.execPath, ['--import', LOADER, OPEN_LOOP, JSON.stringify(order)]);
  return JSON.parse(stdout) as OpenLoopResult;
}

async function withWrk({ url, campaignIds, users, connections, seconds, call = CLAIM }: LoadPlan): Promise<LoadResult> {
  const { stdout } = await run(
    'wrk',
    ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '5s', '-s', SCRIPT, url],
    {
      env: {
        ...process.env,
        CAMPAIGNS: campaignIds.join(','),
        USERS: users,
        RUN: String(runs),
        CALL_PATH: call.path,
        CALL_BODY: call.body,
      },
    },
  );
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`wrk said nothing that can be read:\n${stdout}`);
  const found = JSON.parse(line) as Omit<LoadResult, 'perSecond'> & { microseconds: number };
  const { microseconds, ...result } = found;
  return { ...result, perSecond: result.requests / (microseconds / 1e6) };
}

async function withAutocannon({
  url,
  campaignIds,
  users,
  connections,
  seconds,
  call = CLAIM,
}: LoadPlan): Promise<LoadResult> {
  let sent = 0;
  const name = runs;
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        path: call.path,
        headers: { 'content-type': 'application/json' },
        setupRequest: (request) => {
          sent += 1;
          const user = users === 'unique' ? `r${name}-0-${sent}` : users;
          const campaign = campaignIds[sent % campaignIds.length] ?? '';
          return { ...request, body: fillIn(call.body, { user, number: String(name * 1e7 + sent), campaign }) };
        },
      },
    ],
  });
  return {
    perSecond: result.requests.total / result.duration,
    requests: result.requests.total,
    refused: result.non2xx,
    broken: result.errors + result.timeouts,
    p50: result.latency.p50,
    p99: result.latency.p99,
    max: result.latency.max,
  };
}

/** Replaces the three names in a body; claims.lua does the same. Other brackets stay. */
export function fillIn(
  body: string,
  values: { readonly user: string; readonly number: string; readonly campaign: string },
): string {
  return body.replace(/\{(user|number|campaign)\}/g, (_, name: keyof typeof values) => values[name]);
}

function hasWrk(): boolean {
  try {
    execFileSync('wrk', ['--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    // wrk exits with 1 after it has printed its version.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}
