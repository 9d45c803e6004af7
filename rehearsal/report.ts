import { cpus, totalmem } from 'node:os';
import { type RecordedCall } from './load/call-records.js';
import { Histogram } from './load/histogram.js';
import { type Judgement, type PromiseResult } from './promises.js';
import { type IssuedCoupon, type ServiceVersion } from './service-api.js';
import { type Unanswered, unansweredIn } from './unanswered.js';

/** `killed`: with SIGKILL, and started again. `frozen`: stopped, and woken. */
export type Deed = 'killed' | 'frozen';

/** What was done to the service meanwhile. Times in ms; in a report from the beginning of the load. */
export interface Mark {
  readonly deed: Deed;
  /** The server or process. */
  readonly target: string;
  readonly from: number;
  readonly to: number;
}

/** What the service said of its stock. */
export interface StockMoment {
  /** ms from the beginning of the load. */
  readonly at: number;
  readonly remaining: number;
}

/** Percentiles, ms; null where there is nothing to count. */
export interface Times {
  readonly count: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly p999: number | null;
  readonly max: number | null;
}

/** One span of the timeline. Counts are of this span, times of the calls that were due in it. */
export interface TimelineRow {
  /** s from the beginning of the load. */
  readonly second: number;
  readonly due: number;
  readonly accepted: number;
  readonly refused: number;
  /** 429, 503 and other answers, and calls without one. */
  readonly other: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  /** The stock that was shown last; null before the first look. */
  readonly remaining: number | null;
}

/** Why a rehearsal is not a whole one. */
export interface BrokenOff {
  /** `load`: the operator ended it before all calls were made. `waiting`: before every 202 was a coupon. */
  readonly during: 'load' | 'waiting';
  /** From the beginning of the load. */
  readonly afterSeconds: number;
  readonly note: string;
}

/** A certificate as JSON. The page is made of it and of nothing else. */
export interface Report {
  /** First, so that nobody misses it; null for a whole rehearsal. */
  readonly brokenOff: BrokenOff | null;
  readonly verdict: 'kept' | 'broken';
  readonly promises: readonly PromiseResult[];
  readonly examples: readonly string[];
  readonly startedAt: string;
  readonly seed: number;
  readonly command: string;
  readonly campaign: { readonly id: string; readonly name: string; readonly total: number; readonly made: boolean };
  readonly service: ServiceVersion & { readonly url: string; readonly rebuilt: boolean };
  readonly machine: {
    readonly cores: number;
    readonly model: string;
    readonly memoryGb: number;
    readonly node: string;
    readonly system: string;
  };
  readonly options: Readonly<Record<string, string | number>>;
  readonly figures: {
    readonly users: number;
    readonly calls: number;
    /** How many of the calls the rehearsal made after the load, to check the answers. */
    readonly afterwards: number;
    readonly accepted: number;
    readonly coupons: number;
    readonly answers: Readonly<Record<string, number>>;
    /** How many of the answers came after the load. */
    readonly answersAfterwards: Readonly<Record<string, number>>;
    readonly unanswered: Unanswered;
    /** From the beginning of the load to its last answer, s. */
    readonly seconds: number;
    /** In the busiest second. */
    readonly mostAnswersPerSecond: number;
    /** From the beginning of the load to the first `sold-out` in it, s; null if there was none. */
    readonly soldOutAfterSeconds: number | null;
    readonly answerTimes: Times;
    /** From a claim to its row, by the service's clock. */
    readonly rowTimes: Times;
    /** How late the rehearsal itself noticed that a call was due. */
    readonly ownDelay: Times;
  };
  readonly timeline: { readonly spanSeconds: number; readonly rows: readonly TimelineRow[] };
  readonly marks: readonly Mark[];
}

/** What a report is made of. */
export interface ReportParts extends Pick<
  Report,
  'brokenOff' | 'startedAt' | 'seed' | 'command' | 'campaign' | 'service' | 'options' | 'marks'
> {
  readonly judgement: Judgement;
  /** The load. */
  readonly calls: readonly RecordedCall[];
  /** Calls after the load, which only check the answers. */
  readonly lastCalls: readonly RecordedCall[];
  readonly coupons: readonly IssuedCoupon[];
  readonly times: Histogram;
  readonly lateness: Histogram;
  readonly stock: readonly StockMoment[];
  /** When the load began, by `clock.ts`, ms. */
  readonly start: number;
}

export function reportOf(parts: ReportParts): Report {
  const { judgement, calls, lastCalls, coupons, start, times, lateness, stock } = parts;
  const { brokenOff, startedAt, seed, command, campaign, service, options, marks } = parts;
  const all = [...calls, ...lastCalls];
  const answers = tally(all);
  const end = calls.reduce((last, { at, ms }) => Math.max(last, at + ms), start);
  const firstSoldOut = calls.reduce(
    (first, { word, at, ms }) => (word === '409 sold-out' ? Math.min(first, at + ms) : first),
    Infinity,
  );
  const spanMs = spanFor(end - start);
  const rowTimes = Histogram.empty();
  const ours = new Set(all.map(({ userId }) => userId));
  for (const { userId, claimedAt, issuedAt } of coupons) {
    if (ours.has(userId)) rowTimes.record(Math.max(0, issuedAt - claimedAt));
  }
  return {
    brokenOff,
    verdict: judgement.kept ? 'kept' : 'broken',
    promises: judgement.promises,
    examples: judgement.examples,
    startedAt,
    seed,
    command,
    campaign,
    service,
    machine: {
      cores: cpus().length,
      model: cpus()[0]?.model.trim() ?? 'unknown',
      memoryGb: Math.round(totalmem() / 2 ** 30),
      node: process.versions.node,
      system: `${process.platform} ${process.arch}`,
    },
    options,
    figures: {
      users: new Set(calls.map(({ userId }) => userId)).size,
      calls: all.length,
      afterwards: lastCalls.length,
      accepted: answers['202'] ?? 0,
      coupons: coupons.length,
      answers,
      answersAfterwards: tally(lastCalls),
      unanswered: unansweredIn(calls, start),
      seconds: (end - start) / 1_000,
      mostAnswersPerSecond: mostPerSecond(calls, start),
      soldOutAfterSeconds: firstSoldOut === Infinity ? null : (firstSoldOut - start) / 1_000,
      answerTimes: timesOf(times),
      rowTimes: timesOf(rowTimes),
      ownDelay: timesOf(lateness),
    },
    timeline: { spanSeconds: spanMs / 1_000, rows: timelineOf(calls, stock, start, end, spanMs) },
    marks,
  };
}

/** How often each result came, the most frequent one first. */
function tally(calls: readonly RecordedCall[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { word } of calls) counts.set(word, (counts.get(word) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

function timesOf(histogram: Histogram): Times {
  const at = (part: number) => (histogram.count === 0 ? null : rounded(histogram.percentile(part)));
  return { count: histogram.count, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
}

/** Two decimals: the buckets of a histogram are no finer. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** A chart with some dozens of points: short spans for a short load. */
function spanFor(ms: number): number {
  return [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000].find((span) => ms / span <= 60) ?? 60_000;
}

function mostPerSecond(calls: readonly RecordedCall[], start: number): number {
  const perSecond = new Map<number, number>();
  for (const { at, ms } of calls) {
    const second = Math.floor((at + ms - start) / 1_000);
    perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
  }
  return [...perSecond.values()].reduce((most, count) => Math.max(most, count), 0);
}

function timelineOf(
  calls: readonly RecordedCall[],
  stock: readonly StockMoment[],
  start: number,
  end: number,
  spanMs: number,
): TimelineRow[] {
  const length = Math.floor((end - start) / spanMs) + 1;
  const rows = Array.from({ length }, () => ({ due: 0, accepted: 0, refused: 0, other: 0 }));
  const times = Array.from({ length }, (): Histogram | null => null);
  const spanOf = (moment: number) => Math.min(length - 1, Math.max(0, Math.floor((moment - start) / spanMs)));
  for (const { due, at, ms, word, manner } of calls) {
    const dueIn = spanOf(due);
    rows[dueIn]!.due += 1;
    rows[spanOf(at + ms)]![word === '202' ? 'accepted' : word.startsWith('409') ? 'refused' : 'other'] += 1;
    if (manner === 'slow' || manner === 'hang-up') continue;
    (times[dueIn] ??= Histogram.empty()).record(at + ms - due);
  }
  let remaining: number | null = null;
  let look = 0;
  return rows.map((row, index) => {
    while (look < stock.length && stock[look]!.at < (index + 1) * spanMs) remaining = stock[look++]!.remaining;
    const all = times[index] ?? null;
    const at = (part: number) => (all === null ? null : rounded(all.percentile(part)));
    const second = (index * spanMs) / 1_000;
    return { second, ...row, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1), remaining };
  });
}
