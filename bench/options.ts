import { parseArgs } from 'node:util';
import { type Call } from './load.js';

export const HELP = `npm run bench [-- options]
  --only TEXT     what has TEXT in its name
  --cpu           only the processor time of claims and refusals, in both profiles; less than three minutes
  --bisect        only the processor time of a claim from the bare server to the service, one layer a step
  --rounds N      each thing and its yardstick so often, in turn (default 5)
  --seconds S     of load in each round (default 3, with --cpu and --bisect 1); 5 s (2 s) that do not count come before
  --backlog N     events that wait for the worker (default 500000)
  --claims N      over which memory is watched (default 1000000)
  --against URL   another system, that is claimed from in the same rounds as the service and the bare server
  --body JSON     what is posted to it; {user} and {number} are other ones in each call
  --pid N         a process of that system on this machine, whose processor time is told; may come more than once
  --smoke         shows that all of it works, with little of everything; its figures mean nothing
  --out DIR       where results.md, results.json and results.svg go (default bench/results)`;

export interface BenchOptions {
  readonly help: boolean;
  readonly only: string | undefined;
  readonly cpu: boolean;
  readonly bisect: boolean;
  readonly smoke: boolean;
  readonly out: string;
  readonly extent: Extent;
  /** Another system to compare with. */
  readonly rival: RivalOptions | undefined;
}

export interface RivalOptions {
  readonly url: string;
  readonly call: Call;
  readonly pids: readonly number[];
}

/** The sizes of all measurements, such as how many claims a campaign holds, and how many campaigns are open. */
export interface Extent {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly backlog: number;
  readonly claims: number;
  readonly coupons: number;
  readonly watchers: number;
  readonly sizes: readonly number[];
  readonly counts: readonly number[];
}

const SMOKE: Extent = {
  rounds: 1,
  seconds: 1,
  warmUp: 1,
  backlog: 5_000,
  claims: 10_000,
  coupons: 2_000,
  watchers: 50,
  sizes: [100, 1_000, 2_000],
  counts: [1, 3, 5],
};

/** @throws with a line for the person at the terminal. */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string' },
      backlog: { type: 'string', default: '500000' },
      claims: { type: 'string', default: '1000000' },
      only: { type: 'string' },
      cpu: { type: 'boolean', default: false },
      bisect: { type: 'boolean', default: false },
      against: { type: 'string' },
      body: { type: 'string' },
      pid: { type: 'string', multiple: true, default: [] },
      smoke: { type: 'boolean', default: false },
      out: { type: 'string', default: 'bench/results' },
      help: { type: 'boolean', default: false },
    },
  });
  const { help, only, cpu, bisect, smoke, out } = values;
  if (cpu && bisect) throw new Error('--cpu and --bisect are two runs');
  const isShort = cpu || bisect;
  const full: Extent = {
    rounds: positive('rounds', values.rounds),
    // Short rounds, since the whole has to end in three minutes: a tick of 10 ms is 2 % of half a second.
    seconds: positive('seconds', values.seconds ?? (isShort ? '1' : '3')),
    warmUp: isShort ? 2 : 5,
    backlog: positive('backlog', values.backlog),
    claims: positive('claims', values.claims),
    coupons: 100_000,
    watchers: 5_000,
    sizes: [1_000, 100_000, 1_000_000],
    counts: [1, 100, 1_000],
  };
  const rival = rivalOf(values.against, values.body, values.pid);
  return { help, only, cpu, bisect, smoke, out, extent: smoke ? SMOKE : full, rival };
}

function rivalOf(
  against: string | undefined,
  body: string | undefined,
  pids: readonly string[],
): RivalOptions | undefined {
  if (against === undefined) {
    if (body !== undefined || pids.length > 0) throw new Error('--body and --pid belong to --against');
    return undefined;
  }
  if (body === undefined) throw new Error('--against needs --body');
  if (!URL.canParse(against)) throw new Error(`--against ${against} is no URL`);
  const { origin, pathname, search } = new URL(against);
  return { url: origin, call: { path: pathname + search, body }, pids: pids.map((pid) => positive('pid', pid)) };
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`--${name} ${text} is no number from 1 on`);
  return number;
}
