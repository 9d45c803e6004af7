import { askAgain, buyTheRest, isSoldOut, type LastCalls } from './afterwards.js';
import { begin, type Beginning } from './beginning.js';
import { planCalls } from './load/call-plan.js';
import { promisesIn, type RecordedCall } from './load/call-records.js';
import { now } from './load/clock.js';
import { drive, type LoadProgress, type LoadResult } from './load/drive.js';
import { type Options } from './options.js';
import { type BrokenOff, type Mark, type Report, reportOf, type StockMoment } from './report.js';
import { type CampaignJson, ServiceApi } from './service-api.js';
import { settle } from './settling.js';
import { StockWatch } from './stock-watch.js';

/** How a rehearsal talks to its operator, and is told to end. */
export interface Desk {
  say(line: string): void;
  tell(progress: LoadProgress): void;
  /** Ends the load before all calls are made. */
  readonly stopLoad: AbortSignal;
  /** Ends the wait for coupons, too. */
  readonly stopWaiting: AbortSignal;
}

/**
 * Does something to the service while the load runs.
 * @param loadMs how long calls are due, ms.
 * @param stop the load is over: mend what is broken, and return.
 * @returns what was done, by `clock.ts`, ms.
 */
export type Meanwhile = (loadMs: number, stop: AbortSignal) => Promise<readonly Mark[]>;

/** One of so many winners asks for the status of the claim. */
const LOOK_EVERY = 20;

/** Runs one drop from its beginning to its judgement. @throws UsageError if it cannot begin. */
export async function rehearse(
  options: Options,
  command: string,
  desk: Desk,
  meanwhile: Meanwhile = () => Promise.resolve([]),
): Promise<Report> {
  const api = new ServiceApi(options);
  const startedAt = new Date().toISOString();
  const userPrefix = `rehearsal-${options.seed}-`;
  const beginning = await begin(api, options);
  const { campaign, made, before } = beginning;
  const [users, total] = [options.users, campaign.total].map((count) => count.toLocaleString('en'));
  desk.say(`${users} users for the ${total} coupons of "${campaign.name}" (${campaign.id}), seed ${options.seed}`);
  const stock = new StockWatch(api, campaign.id, options.url.href);
  const { load, marks } = await underLoad(options, beginning, userPrefix, desk, meanwhile).finally(() => stock.end());
  const stoppedLoad = brokenOffDuring(desk.stopLoad.aborted ? 'load' : null, load.start);
  const last = { api, campaignId: campaign.id, userPrefix, calls: load.calls, stop: desk.stopLoad };
  const lastCalls =
    stoppedLoad !== null ? [] : await callAfterwards(last, before.size, campaign.total, options.deadlineMs);
  const calls = [...load.calls, ...lastCalls];
  desk.say('waiting until every 202 is a coupon …');
  const heard = {
    calls,
    promised: promisesIn(calls),
    statusLooks: load.looks,
    stockLooks: stock.looks,
    userPrefix,
    brokenOff: stoppedLoad !== null,
  };
  const settled = await settle(api, beginning, heard, options.deadlineMs, desk.stopWaiting);
  if (made) {
    await api.closeCampaign(campaign.id).catch((error: Error) => desk.say(`the campaign stays open: ${error.message}`));
  }
  return reportOf({
    brokenOff: stoppedLoad ?? brokenOffDuring(settled.gaveUp ? 'waiting' : null, load.start),
    startedAt,
    seed: options.seed,
    command,
    campaign: { id: campaign.id, name: campaign.name, total: campaign.total, made },
    service: { ...beginning.version, url: options.url.href, rebuilt: settled.rebuilt },
    options: shown(options),
    marks,
    judgement: settled.judgement,
    calls: load.calls,
    lastCalls,
    coupons: settled.coupons,
    times: load.times,
    lateness: load.lateness,
    stock: [...stockAtFirst(campaign), ...stock.moments(load.start)],
    start: load.start,
  });
}

async function underLoad(
  options: Options,
  { campaign }: Beginning,
  userPrefix: string,
  desk: Desk,
  meanwhile: Meanwhile,
): Promise<{ load: LoadResult; marks: readonly Mark[] }> {
  const { url, urls, key, connections, workers, tries, think, seed } = options;
  const facts = {
    host: url.host,
    basePath: url.pathname.replace(/\/$/, ''),
    campaignId: campaign.id,
    userPrefix,
    ...(key === undefined ? {} : { key }),
  };
  const targets = urls.map(({ hostname, port }) => ({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 80),
  }));
  const plan = planCalls(options);
  const order = { plan, facts, targets, connections, workers, tries, think, seed, lookEvery: LOOK_EVERY };
  const over = new AbortController();
  const stop = AbortSignal.any([over.signal, desk.stopLoad]);
  const striking = meanwhile(plan.due.at(-1) ?? 0, stop);
  const load = await drive(order, (progress) => desk.tell(progress), desk.stopLoad).finally(() => over.abort());
  const marks = (await striking).map((mark) => ({ ...mark, from: mark.from - load.start, to: mark.to - load.start }));
  return { load, marks };
}

async function callAfterwards(
  last: LastCalls,
  before: number,
  total: number,
  withinMs: number,
): Promise<readonly RecordedCall[]> {
  const users = new Set(last.calls.map(({ userId }) => userId)).size;
  const demandIsEnough = users + before >= total;
  const rest = demandIsEnough && !isSoldOut(last.calls) ? await buyTheRest(last, withinMs) : [];
  return [...rest, ...(await askAgain(last))];
}

function stockAtFirst({ remaining }: CampaignJson): StockMoment[] {
  return remaining === null ? [] : [{ at: 0, remaining }];
}

function brokenOffDuring(during: BrokenOff['during'] | null, start: number): BrokenOff | null {
  if (during === null) return null;
  const afterSeconds = Math.round((now() - start) / 100) / 10;
  const what = during === 'load' ? 'not all calls were made' : 'the operator did not wait until every 202 was a coupon';
  return { during, afterSeconds, note: `broken off after ${afterSeconds} s: ${what}. This is not a whole rehearsal.` };
}

/** The options that decide what happens; no secret is among them. */
function shown(options: Options): Record<string, string | number> {
  const percent = (part: number) => `${Math.round(part * 10_000) / 100}%`;
  return {
    users: options.users,
    arrival: options.arrivalText,
    ...('seconds' in options.arrival ? { duration: `${Math.round(options.arrival.seconds * 10) / 10} s` } : {}),
    duplicates: percent(options.duplicates),
    think: `${options.think.least}–${options.think.most} ms`,
    'slow-clients': percent(options.slowClients),
    'hang-ups': percent(options.hangUps),
    tries: options.tries,
    connections: options.connections,
    workers: options.workers,
    deadline: `${options.deadlineMs / 1_000} s`,
  };
}
