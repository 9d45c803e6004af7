import { expect } from '@jest/globals';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KEPT, type Pardon, type Verdict } from '../../oracle/verdict.js';
import { Client } from '../support/client.js';
import { type Cluster, type Member } from '../support/cluster.js';
import { type Allowance, Drop } from '../support/drop.js';
import { eventually } from '../support/eventually.js';
import { judge } from '../support/oracle.js';
import { stalls } from '../support/stalls.js';
import { until } from '../support/until.js';
import { between, keepHistory, recordOutcome } from './fault-test.js';

/** No call may take longer, whatever server dies, ms: D and the time that a test needs to send and read. */
const SLOWEST_MS = 2_500;
/** After this time the promises are checked once more, ms. */
const SECOND_LOOK_MS = 2_000;

export function usersOf(count: number, prefix = 'u'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

/** Makes a new campaign for a drop. */
export async function openDrop(cluster: Cluster, total: number, more: Record<string, unknown> = {}): Promise<Drop> {
  const epoch = await cluster.epoch();
  const campaignId = await cluster.client().createCampaign(total, more);
  const ledger = join(mkdtempSync(join(tmpdir(), 'coupon-ledger-')), '202.jsonl');
  return keepHistory(new Drop(campaignId, total, ledger, { epoch, lookEvery: LOOK_EVERY }));
}

/** One of so many winners asks for the claim's status and the campaign's stock. */
export const LOOK_EVERY = 20;

/** How many calls run at the same time. */
const WIDTH = 100;

/** How soon the service must work again, ms from the fault's end. */
export interface Deadlines extends Pick<Allowance, 'killed' | 'left'> {
  /** A claim gets a final answer. */
  readonly claimsAgainMs: number;
  /** Every promise is kept. */
  readonly keptMs: number;
  /** How long a lasting fault lasts. Callers come more slowly during it, so that coupons are left at its end. */
  readonly lastsMs?: number;
}

/**
 * Breaks something during a drop, and returns when it is repaired.
 * @returns the time of the repair (monotonic), if the strike has waited for something since.
 */
export type Strike = (cluster: Cluster, drop: Drop) => Promise<void> | Promise<number>;

/**
 * Runs a drop of 5,000 users with 3 tries each, strikes at a random moment, and checks the promises of the service.
 * During a lasting fault, all callers are there at its beginning, some at each moment until its end, and all again
 * after it.
 */
export async function duringDrop(
  cluster: Cluster,
  drop: Drop,
  strike: Strike,
  { claimsAgainMs, keptMs, lastsMs = 0, ...allowance }: Deadlines,
): Promise<void> {
  const moment = between(drop.total / 20, (drop.total * 6) / 10);
  let striking: Promise<number | void> | null = null;
  let over: Promise<void> = Promise.resolve();
  let isOver = false;
  // The callers themselves see the moment. One that polls beside them would come late: a fast machine sells everything
  // between two looks.
  const pause = async () => {
    if (striking === null && drop.promisedCount >= moment) {
      striking = strike(cluster, drop);
      over = striking.then(noop, noop).then(() => void (isOver = true));
    }
    if (striking === null || isOver || lastsMs === 0) return;
    await Promise.race([turn(drop, lastsMs), over]);
  };
  const running = drop.run(cluster.client(), { users: usersOf(5_000), tries: 3, width: WIDTH, pause });
  const strikes = await until('the strike', () => striking !== null && [striking], 30_000);
  const mended = (await strikes[0]) ?? performance.now();
  if (lastsMs > 0) expect(drop.promisedCount).toBeLessThan(drop.total);
  await claimsAgain(drop, cluster.apis(), claimsAgainMs, mended);
  await running;
  await sellOut(cluster, drop);
  await expectKept(cluster, drop, keptMs, { mended, ...allowance });
  await sellsOn(cluster);
}

/**
 * The turn of one of the callers during a lasting fault. The fewer coupons are left, the longer it takes: about half of
 * them are sold in `lastsMs`. The last of them are kept, because the calls under way may win one each, and a slow
 * machine takes longer to strike.
 */
function turn(drop: Drop, lastsMs: number): Promise<void> {
  const left = drop.total - drop.promisedCount;
  if (left <= WIDTH) return new Promise(noop);
  // This does not use the seed's random numbers, which the strike draws at the same time.
  const longestMs = (4 * WIDTH * lastsMs) / left;
  return new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs).unref());
}

const noop = (): void => undefined;

/**
 * Waits until each of these apis gives a final answer, not only the first one.
 * @param from the limit counts from here (monotonic).
 */
export async function claimsAgain(
  drop: Drop,
  apis: readonly Member[],
  withinMs: number,
  from = performance.now(),
): Promise<void> {
  await Promise.all(
    apis.map(async ({ url }, api) => {
      const client = new Client(url);
      const press = async (): Promise<void> => {
        expect(['202', '409 sold-out']).toContain(await drop.press(client, `again-${api}-${drop.calls.length}`));
      };
      await withoutStalls(press, { from, withinMs, atLeastMs: 1 });
    }),
  );
}

/** Checks that the installation works as before the fault: another drop sells everything. */
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
 * 2,000 users ask, in 20 portions that are spread over the whole time until `back` (monotonic).
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

/** The users and the speed of a trickle. */
export interface TrickleOptions {
  /** The beginning of every user's name. */
  readonly prefix?: string;
  /** Between one answer and the next call, ms. */
  readonly everyMs?: number;
}

/** Runs a slow drop: four new users at a time ask, group after group, until the work is done. */
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

/** Waits for new answers of this kind. */
export async function answered(drop: Drop, word: string, { count = 20, withinMs = 20_000 } = {}): Promise<void> {
  const before = drop.tally()[word] ?? 0;
  await eventually(() => expect(drop.tally()[word] ?? 0).toBeGreaterThanOrEqual(before + count), withinMs);
}

/**
 * Users ask until everything is sold and every api says so. For this, slots of claims that were not promised have to
 * come free again.
 */
export async function sellOut(cluster: Cluster, drop: Drop): Promise<void> {
  const client = cluster.client();
  await eventually(async () => {
    const round = drop.calls.length;
    const users = Array.from({ length: 20 }, (_, n) => `late-${round}-${n}`);
    // All at once: thousands of coupons may be left, and selling them one by one would take too long on a busy machine.
    const words = await Promise.all(users.map((user) => drop.press(client, user)));
    expect(words.filter((word) => word !== '409 sold-out')).toEqual([]);
  }, 60_000);
}

/** What else counts in the judgement of a drop, besides its rows. */
export interface Judgement extends Allowance, Pick<Pardon, 'excuse'> {
  /** The time of the repair (monotonic). By default, now. */
  readonly mended?: number;
  /** False if the fault did not strike this drop. */
  readonly recorded?: boolean;
}

/**
 * The judgement of every run: waits until each promise of the drop is kept, records the result, and checks the answers
 * that callers got.
 * @param withinMs counted from `mended`. The promises are checked once more afterwards, because a process that has just
 * woken up acts late.
 * @throws with the last verdict after the deadline; or with answers that no caller may get, or the slowest one.
 */
export async function expectKept(
  cluster: Cluster,
  drop: Drop,
  withinMs: number,
  { mended = performance.now(), excuse, recorded = true, ...allowance }: Judgement = {},
): Promise<void> {
  let verdict: Verdict | null = null;
  let recoveryMs = 0;
  const { totalChanged = false } = allowance;
  const look = async () => {
    verdict = await judge(cluster, drop, { totalChanged, ...(excuse === undefined ? {} : { excuse }) });
    expect(verdict).toEqual(KEPT);
  };
  try {
    await drop.looked();
    // At least a second, also if the drop itself took longer: then the verdict shows what is late.
    await withoutStalls(look, { from: mended, withinMs, atLeastMs: 1_000 }).finally(() => {
      recoveryMs = sinceWithoutStalls(mended);
    });
    expect(recoveryMs).toBeLessThanOrEqual(withinMs);
    await passed(SECOND_LOOK_MS);
    await eventually(look, 1_000);
  } finally {
    if (recorded) recordOutcome(drop, verdict, recoveryMs);
  }
  expectAnswered(drop, { ...allowance, alive: cluster.apis().map(({ url }) => url) });
}

/** Expects that every call got an answer in time, and that each answer is documented. */
export function expectAnswered(drop: Drop, allowance: Allowance = {}): void {
  expect(drop.undocumented(allowance)).toEqual([]);
  if (allowance.totalChanged !== true) expect(drop.soldOutTooEarly()).toEqual([]);
  expect(drop.slowestMs(allowance)).toBeLessThan(SLOWEST_MS);
}

/** ms since this moment (monotonic) in which the machine did not stall. */
function sinceWithoutStalls(from: number): number {
  const now = performance.now();
  return now - from - stalls().between(from, now);
}

/**
 * {@link eventually}, with a limit in which {@link stalls} of the machine do not count. In all it waits ten times as long
 * at the most.
 */
async function withoutStalls<T>(
  probe: () => Promise<T>,
  { from, withinMs, atLeastMs }: { from: number; withinMs: number; atLeastMs: number },
): Promise<T> {
  const [asked, last] = [performance.now(), performance.now() + 10 * withinMs];
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      const now = performance.now();
      if (now > last || (sinceWithoutStalls(from) > withinMs && now > asked + atLeastMs)) throw error;
    }
    await passed(10);
  }
}

/** Lets a fault last this long. This is the length of the fault itself, not a wait for a condition. */
export function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
