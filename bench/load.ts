import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import autocannon from 'autocannon';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('claims.lua', import.meta.url));

/** Who asks for what. */
export interface LoadPlan {
  readonly url: string;
  /** Several are asked for in turn. */
  readonly campaignIds: readonly string[];
  /** `unique`: every call is of a new user; otherwise the one user who asks. */
  readonly users: string;
  readonly connections: number;
  readonly seconds: number;
}

/** Latencies in ms. */
export interface LoadResult {
  readonly perSecond: number;
  readonly requests: number;
  /** Answers that were not 2xx. */
  readonly refused: number;
  /** Connections that failed, and calls without an answer. */
  readonly broken: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** wrk where it is installed: it takes a quarter of the processor time that autocannon takes for the same load. */
export const generator = hasWrk() ? 'wrk' : 'autocannon';

let runs = Math.floor(Date.now() / 1_000) % 100_000_000;

/** A closed loop: each connection asks again when it has its answer. */
export function load(plan: LoadPlan): Promise<LoadResult> {
  runs += 1;
  return generator === 'wrk' ? withWrk(plan) : withAutocannon(plan);
}

/**
 * An open loop: so many calls a second, whether answers come or not. A call that had to wait for its turn has waited
 * from the moment at which it was due (autocannon corrects for coordinated omission).
 */
export function openLoad(plan: LoadPlan, perSecond: number): Promise<LoadResult> {
  runs += 1;
  return withAutocannon(plan, Math.round(perSecond));
}

async function withWrk({ url, campaignIds, users, connections, seconds }: LoadPlan): Promise<LoadResult> {
  const { stdout } = await run(
    'wrk',
    ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '5s', '-s', SCRIPT, url],
    {
      env: { ...process.env, CAMPAIGNS: campaignIds.join(','), USERS: users, RUN: String(runs) },
    },
  );
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`wrk said nothing that can be read:\n${stdout}`);
  const found = JSON.parse(line) as Omit<LoadResult, 'perSecond'> & { microseconds: number };
  const { microseconds, ...result } = found;
  return { ...result, perSecond: result.requests / (microseconds / 1e6) };
}

async function withAutocannon(
  { url, campaignIds, users, connections, seconds }: LoadPlan,
  perSecond?: number,
): Promise<LoadResult> {
  let sent = 0;
  const name = runs;
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    ...(perSecond === undefined ? {} : { overallRate: perSecond }),
    requests: [
      {
        method: 'POST',
        path: '/api/coupons/apply',
        headers: { 'content-type': 'application/json' },
        setupRequest: (request) => {
          sent += 1;
          const userId = users === 'unique' ? `r${name}-0-${sent}` : users;
          return { ...request, body: JSON.stringify({ userId, campaignId: campaignIds[sent % campaignIds.length] }) };
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

function hasWrk(): boolean {
  try {
    execFileSync('wrk', ['--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    // It ends with 1 after it has printed its version.
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}
