import { expect } from '@jest/globals';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../support/client.js';
import { type Cluster, type Member } from '../support/cluster.js';
import { type Allowance, Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { judge, KEPT, type Pardon, type Verdict } from '../support/oracle.js';
import { between, recordOutcome } from './fault-test.js';

/** No call may take longer, whatever dies, ms: D and the time that a busy test machine needs to send and read it. */
const SLOWEST_MS = 2_500;
/** When it is looked again whether promises are still kept, ms. */
const SECOND_LOOK_MS = 2_000;

export function usersOf(count: number, prefix = 'u'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

/** A campaign of its own for every drop. */
export async function openDrop(cluster: Cluster, total: number, more: Record<string, unknown> = {}): Promise<Drop> {
  const campaignId = await cluster.client().createCampaign(total, more);
  return new Drop(campaignId, total, join(mkdtempSync(join(tmpdir(), 'coupon-ledger-')), '202.jsonl'));
}

/** Calls at once. */
const WIDTH = 100;

/** How soon things are well again, ms from the fault's end. */
export interface Deadlines extends Pick<Allowance, 'killed' | 'left'> {
  /** A claim is answered with a final answer. */
  readonly claimsAgainMs: number;
  /** Every promise is seen to be kept. */
  readonly keptMs: number;
  /** For a fault that lasts, how long. Callers come more slowly meanwhile, so that there is something left at its end. */
  readonly lastsMs?: number;
}

/**
 * Does something to a drop that is under way, and returns when what it broke is mended.
 * @returns when that was, of the monotonic clock, where it has waited for something since.
 */
export type Strike = (cluster: Cluster, drop: Drop) => Promise<void> | Promise<number>;

/**
 * Runs a drop of 5,000 users with 3 tries each, strikes at a random moment of it, and holds the service to its promises.
 * A fault that lasts meets all callers when it comes, some of them at every moment until it is over, and all of them then.
 */
export async function duringDrop(
  cluster: Cluster,
  drop: Drop,
  strike: Strike,
  { claimsAgainMs, keptMs, lastsMs = 0, ...allowance }: Deadlines,
): Promise<void> {
  let pause = () => Promise.resolve();
  const users = usersOf(5_000);
  const running = drop.run(cluster.client(), { users, tries: 3, width: WIDTH, pause: () => pause() });
  const moment = between(drop.total / 20, (drop.total * 6) / 10);
  await eventually(() => expect(drop.promised().length).toBeGreaterThanOrEqual(moment), 30_000);
  const striking = Promise.resolve(strike(cluster, drop));
  if (lastsMs > 0) {
    const over = striking.then(
      () => undefined,
      () => undefined,
    );
    // Half of what is left goes away until then. Not of the seed's numbers, which the strike draws meanwhile.
    const longestMs = (4 * WIDTH * lastsMs) / (drop.total - drop.promised().length);
    const some = () => new Promise<void>((resolve) => setTimeout(resolve, Math.random() * longestMs).unref());
    pause = () => Promise.race([some(), over]);
  }
  const mended = (await striking) ?? performance.now();
  pause = () => Promise.resolve();
  if (lastsMs > 0) expect(drop.promised().length).toBeLessThan(drop.total);
  await claimsAgain(drop, cluster.apis(), Math.max(1, claimsAgainMs - (performance.now() - mended)));
  await running;
  await sellOut(cluster, drop);
  await expectKept(cluster, drop, keptMs, { mended, ...allowance });
  await sellsOn(cluster);
}

/** Each of these apis gives a final answer, not only the first one that is asked. */
export async function claimsAgain(drop: Drop, apis: readonly Member[], withinMs: number): Promise<void> {
  await Promise.all(
    apis.map(async ({ url }, api) => {
      const client = new Client(url);
      await eventually(async () => {
        expect(['202', '409 sold-out']).toContain(await drop.press(client, `again-${api}-${drop.calls.length}`));
      }, withinMs);
    }),
  );
}

/** Whatever was done to it, the installation is as good as before: another drop goes as the first one should have. */
export async function sellsOn(cluster: Cluster): Promise<void> {
  const next = await openDrop(cluster, 100);
  try {
    await next.run(cluster.client(), { users: usersOf(150), tries: 3, width: 20 });
    await sellOut(cluster, next);
    await expectKept(cluster, next, 20_000, { recorded: false });
  } finally {
    next.close();
  }
}

/**
 * 2,000 users ask, in 20 portions that are spread over the whole time until `back`, of the monotonic clock.
 *
 * @returns how many of each portion of 100 were promised a coupon.
 */
export async function portionsUntil(drop: Drop, client: Client, back: number, prefix = 'away'): Promise<number[]> {
  const promised: number[] = [];
  for (let n = 0; n < 20; n++) {
    const before = drop.promised().length;
    await drop.run(client, { users: usersOf(100, `${prefix}-${n}-`), tries: 3, width: 20 });
    promised.push(drop.promised().length - before);
    await passed(Math.max(0, (back - performance.now()) / (20 - n)));
  }
  return promised;
}

/** Who asks while a trickle goes on. */
export interface TrickleOptions {
  /** Begins the name of every user. */
  readonly prefix?: string;
  /** Between one answer and the next call, ms. */
  readonly everyMs?: number;
}

/** A drop that lasts: four new users at a time ask, one after the other, until the work is done. */
export async function withTrickle(
  drop: Drop,
  client: Client,
  work: () => Promise<void>,
  { prefix = 'trickle', everyMs = 10 }: TrickleOptions = {},
): Promise<void> {
  let over = false;
  const trickle = async () => {
    for (let n = 0; !over; n++) {
      await drop.run(client, { users: usersOf(4, `${prefix}-${n}-`), tries: 1, width: 4 });
      await passed(everyMs);
    }
  };
  await Promise.all([work().finally(() => (over = true)), trickle()]);
}

/** Waits for answers of that kind which are given from now on. */
export async function answered(drop: Drop, word: string, { count = 20, withinMs = 20_000 } = {}): Promise<void> {
  const before = drop.tally()[word] ?? 0;
  await eventually(() => expect(drop.tally()[word] ?? 0).toBeGreaterThanOrEqual(before + count), withinMs);
}

/**
 * Users go on until everything is sold, and every api says so: slots that were given out and not promised have to come
 * free again.
 */
export async function sellOut(cluster: Cluster, drop: Drop): Promise<void> {
  const client = cluster.client();
  await eventually(async () => {
    const round = drop.calls.length;
    const users = Array.from({ length: 20 }, (_, n) => `late-${round}-${n}`);
    // Together: thousands of coupons may be left, and a busy machine sells them one by one for longer than that.
    const words = await Promise.all(users.map((user) => drop.press(client, user)));
    expect(words.filter((word) => word !== '409 sold-out')).toEqual([]);
  }, 60_000);
}

/** How a drop is judged, besides by its rows. */
export interface Judgement extends Allowance, Pardon {
  /** When what was broken was mended, of the monotonic clock; absent: now. */
  readonly mended?: number;
  /** False where it is not the drop that the fault struck. */
  readonly recorded?: boolean;
}

/**
 * The judgement of every run: waits until each promise of the drop is seen to be kept, puts it on record, and looks at
 * what the callers were answered.
 * @param withinMs counted from `mended`. They are looked at once more afterwards: what a process does that has just woken
 * up comes late.
 * @throws with the last verdict after the deadline; or with the answers that nobody may ever see, or the slowest one.
 */
export async function expectKept(
  cluster: Cluster,
  drop: Drop,
  withinMs: number,
  { mended = performance.now(), excuse, recorded = true, ...allowance }: Judgement = {},
): Promise<void> {
  let verdict: Verdict | null = null;
  let recoveryMs = 0;
  const look = async () => {
    verdict = await judge(cluster, drop, excuse === undefined ? {} : { excuse });
    expect(verdict).toEqual(KEPT);
  };
  try {
    // Also when the drop itself has lasted for longer: what is late is at least seen for what it is.
    await eventually(look, Math.max(1_000, withinMs - (performance.now() - mended))).finally(() => {
      recoveryMs = performance.now() - mended;
    });
    expect(recoveryMs).toBeLessThanOrEqual(withinMs);
    await passed(SECOND_LOOK_MS);
    await eventually(look, 1_000);
  } finally {
    if (recorded) recordOutcome(drop, verdict, recoveryMs);
  }
  expectAnswered(drop, { ...allowance, alive: cluster.apis().map(({ url }) => url) });
}

/** Every call has its answer, in time, and each answer is a documented one. */
export function expectAnswered(drop: Drop, allowance: Allowance = {}): void {
  expect(drop.undocumented(allowance)).toEqual([]);
  if (allowance.totalChanged !== true) expect(drop.soldOutTooEarly()).toEqual([]);
  expect(drop.slowestMs(allowance)).toBeLessThan(SLOWEST_MS);
}

/** A fault that lasts: resolves when so much time has passed. It is the fault that is timed here, nothing is waited for. */
export function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
