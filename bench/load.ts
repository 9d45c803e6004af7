import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import autocannon from 'autocannon';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('claims.lua', import.meta.url));

/** Calls in a closed loop: each connection asks again when it has its answer. */
export interface LoadPlan {
  readonly url: string;
  readonly campaignId: string;
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
}

/** wrk where it is installed: it takes a quarter of the processor time that autocannon takes for the same load. */
export const generator = hasWrk() ? 'wrk' : 'autocannon';

let runs = Math.floor(Date.now() / 1_000) % 100_000_000;

export function load(plan: LoadPlan): Promise<LoadResult> {
  runs += 1;
  return generator === 'wrk' ? withWrk(plan) : withAutocannon(plan);
}

async function withWrk({ url, campaignId, users, connections, seconds }: LoadPlan): Promise<LoadResult> {
  const { stdout } = await run(
    'wrk',
    ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '5s', '-s', SCRIPT, url],
    {
      env: { ...process.env, CAMPAIGN: campaignId, USERS: users, RUN: String(runs) },
    },
  );
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`wrk said nothing that can be read:\n${stdout}`);
  const { requests, microseconds, refused, broken, p50, p99 } = JSON.parse(line) as Record<string, number> as {
    requests: number;
    microseconds: number;
    refused: number;
    broken: number;
    p50: number;
    p99: number;
  };
  return { perSecond: requests / (microseconds / 1e6), requests, refused, broken, p50, p99 };
}

async function withAutocannon({ url, campaignId, users, connections, seconds }: LoadPlan): Promise<LoadResult> {
  let sent = 0;
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [
      {
        method: 'POST',
        path: '/api/coupons/apply',
        headers: { 'content-type': 'application/json' },
        setupRequest: (request) => {
          sent += 1;
          const userId = users === 'unique' ? `r${runs}-0-${sent}` : users;
          return { ...request, body: JSON.stringify({ userId, campaignId }) };
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
