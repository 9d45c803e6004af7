import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type Arrival, CurveError, type CurvePoint, parseCurve, totalOf } from './load/arrivals.js';
import { type Span } from './load/call-plan.js';
import { UsageError } from './usage-error.js';

export const HELP = `npm run rehearse [-- options]: a whole drop against a service that runs, and a certificate

the service
  --url URL             where it is (default http://127.0.0.1:3000); several times for several apis
  --admin-url URL       where its calls for operators are, if it has ADMIN_PORT
  --token TOKEN         of an operator (default: ADMIN_TOKEN, or the file data/admin-token)
  --key KEY             an API key of the role issuer, for IDENTITY=key and IDENTITY=jwt (default: ISSUER_KEY)
  --i-own-this          rehearse against another machine than this one
the drop
  --total N             makes a campaign of N coupons, and closes it afterwards (default 1000)
  --campaign ID         rehearse an open campaign instead. Its coupons are issued, and stay issued
  --users N             who come (default 10000; with a curve: as many as it has)
  --arrival A           burst: all at once (default). steady, ramp: over --duration. FILE.csv: lines "second,arrivals"
  --duration SECONDS    of steady and ramp (default 10)
  --rate N              users a second instead, at the end of a ramp
the users
  --duplicates 10%      who press twice: half of them the same button, half in a second tab (default 5%)
  --think 200ms-2s      between two presses of one user (default 100ms-500ms)
  --slow-clients 1%     whose request takes two seconds to come in (default 0%)
  --hang-ups 1%         who close the connection and wait for no answer (default 0%)
  --tries N             calls of a user who is told to come back, at most (default 3)
the run
  --seed N              repeats the users and moments of an earlier run
  --connections N       kept open to the service (default 256)
  --workers N           threads that make the calls (default 2)
  --deadline SECONDS    from the last answer until every 202 is a coupon (default 60)
  --chaos               starts servers and processes of its own, and kills and freezes them meanwhile (default: 20000
                        users for 14000 coupons in 60 s). It needs what npm run stack:up needs, and no --url
  --out DIR             where certificate.html and certificate.json go (default rehearsal/results)
  --lang ko|en          of the certificate (default: LANG)

Ctrl-C ends it early, with a certificate of what there is. It ends with 1 if a promise was broken, with 2 if it was called wrongly.`;

/** A rehearsal as the command line asks for it. */
export interface Options {
  /** The first of {@link urls}, which is asked about the campaign. */
  readonly url: URL;
  /** The apis that the users call in turn. */
  readonly urls: readonly URL[];
  readonly adminUrl: URL;
  readonly token: string | undefined;
  readonly key: string | undefined;
  readonly ownsIt: boolean;
  readonly campaign: string | undefined;
  readonly total: number;
  readonly users: number;
  readonly arrival: Arrival;
  /** As it was typed. */
  readonly arrivalText: string;
  readonly think: Span;
  /** Parts: 0 to 1. */
  readonly duplicates: number;
  readonly slowClients: number;
  readonly hangUps: number;
  readonly tries: number;
  readonly seed: number;
  readonly connections: number;
  readonly workers: number;
  readonly deadlineMs: number;
  readonly chaos: boolean;
  readonly out: string;
  readonly language: 'ko' | 'en';
}

/** More users than a rehearsal can hold in memory. */
const MOST_USERS = 2_000_000;
const TOKEN_FILE = 'data/admin-token';
const CALM = { arrival: 'burst', users: '10000', total: '1000', duration: '10', deadline: '60', tries: '3' };
/** With --chaos: long enough for each strike, with coupons left for the last one. */
const CHAOS = { arrival: 'steady', users: '20000', total: '14000', duration: '60', deadline: '120', tries: '10' };

/** @returns null if help was asked for. @throws UsageError */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options | null {
  const values = parsed(args);
  if (values.help === true) return null;
  if (values.campaign !== undefined && values.total !== undefined) {
    throw new UsageError('--campaign and --total: an open campaign, or a new one; not both');
  }
  if (values.chaos === true && (values.url !== undefined || values.campaign !== undefined)) {
    throw new UsageError('--chaos kills what it has started itself; it takes neither --url nor --campaign');
  }
  const defaults = values.chaos === true ? CHAOS : CALM;
  const urls = (values.url ?? ['http://127.0.0.1:3000']).map((text) => urlOf('--url', text));
  const url = urls[0]!;
  const arrivalText = values.arrival ?? defaults.arrival;
  const curve = arrivalText.endsWith('.csv') ? curveIn(arrivalText) : null;
  const users =
    values.users === undefined && curve !== null
      ? Math.round(totalOf(curve))
      : whole('--users', values.users ?? defaults.users, MOST_USERS);
  const [slowClients, hangUps] = [
    part('--slow-clients', values['slow-clients']),
    part('--hang-ups', values['hang-ups']),
  ];
  if (slowClients + hangUps > 1) throw new UsageError('--slow-clients and --hang-ups: together more than 100%');
  return {
    url,
    urls,
    adminUrl: values['admin-url'] === undefined ? url : urlOf('--admin-url', values['admin-url']),
    token: values.token ?? nonEmpty(env['ADMIN_TOKEN']) ?? tokenInFile(),
    key: values.key ?? nonEmpty(env['ISSUER_KEY']),
    ownsIt: values['i-own-this'] ?? false,
    campaign: values.campaign,
    total: whole('--total', values.total ?? defaults.total, 100_000_000),
    users,
    arrival:
      curve === null ? arrivalOf(arrivalText, users, values, defaults.duration) : { kind: 'curve', points: curve },
    arrivalText,
    think: spanOf('--think', values.think ?? '100ms-500ms'),
    duplicates: part('--duplicates', values.duplicates ?? '5%'),
    slowClients,
    hangUps,
    tries: whole('--tries', values.tries ?? defaults.tries, 1_000),
    seed:
      values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : whole('--seed', values.seed, 2 ** 32 - 1, 0),
    connections: whole('--connections', values.connections ?? '256', 60_000),
    workers: whole('--workers', values.workers ?? String(Math.min(2, availableParallelism())), 64),
    deadlineMs: seconds('--deadline', values.deadline ?? defaults.deadline) * 1_000,
    chaos: values.chaos ?? false,
    out: values.out ?? 'rehearsal/results',
    language: languageOf(values.lang, env),
  };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        url: { ...text, multiple: true },
        'admin-url': text,
        token: text,
        key: text,
        'i-own-this': flag,
        campaign: text,
        total: text,
        users: text,
        arrival: text,
        duration: text,
        rate: text,
        think: text,
        duplicates: text,
        'slow-clients': text,
        'hang-ups': text,
        tries: text,
        seed: text,
        connections: text,
        workers: text,
        deadline: text,
        chaos: flag,
        out: text,
        lang: text,
        help: flag,
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** The token that the embedded service has made in this directory. */
function tokenInFile(): string | undefined {
  return existsSync(TOKEN_FILE) ? nonEmpty(readFileSync(TOKEN_FILE, 'utf8').trim()) : undefined;
}

function urlOf(option: string, text: string): URL {
  if (!URL.canParse(text)) throw new UsageError(`${option}: "${text}" is no URL, such as http://127.0.0.1:3000`);
  const url = new URL(text);
  if (url.protocol !== 'http:') {
    throw new UsageError(`${option}: the load is plain HTTP, so it has to begin with http://`);
  }
  return url;
}

function whole(option: string, text: string, most: number, least = 1): number {
  const value = Number(text.replaceAll('_', ''));
  if (!/^\d[\d_]*$/.test(text) || value < least || value > most) {
    throw new UsageError(`${option}: expected a whole number from ${least} to ${most}, not "${text}"`);
  }
  return value;
}

function seconds(option: string, text: string): number {
  const value = Number(/^(\d+(?:\.\d+)?)s?$/.exec(text)?.[1] ?? NaN);
  if (!(value > 0 && value <= 86_400)) throw new UsageError(`${option}: expected seconds, such as 30, not "${text}"`);
  return value;
}

function part(option: string, text = '0%'): number {
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(text)?.[1] ?? NaN);
  if (!(percent <= 100)) throw new UsageError(`${option}: expected a percentage, such as 10%, not "${text}"`);
  return percent / 100;
}

/** `200ms`, `2s`, or a span of two. */
function spanOf(option: string, text: string): Span {
  const found = text.split('-').map((one) => {
    const [, value, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(one) ?? [];
    return Number(value ?? NaN) * (unit === 's' ? 1_000 : 1);
  });
  const [least = NaN, most = least] = found;
  if (found.length > 2 || !(least <= most)) {
    throw new UsageError(`${option}: expected a time such as 200ms, or a span such as 200ms-2s, not "${text}"`);
  }
  return { least, most };
}

function arrivalOf(
  text: string,
  users: number,
  { duration, rate }: { readonly duration?: string | undefined; readonly rate?: string | undefined },
  defaultDuration: string,
): Arrival {
  if (duration !== undefined && rate !== undefined) throw new UsageError('--duration and --rate: only one of them');
  if (text === 'burst') {
    if (duration !== undefined || rate !== undefined) {
      throw new UsageError('--duration and --rate are for --arrival steady and ramp; a burst comes all at once');
    }
    return { kind: 'burst' };
  }
  if (text !== 'steady' && text !== 'ramp') {
    throw new UsageError(`--arrival: expected burst, steady, ramp or a file that ends with .csv, not "${text}"`);
  }
  if (rate === undefined) {
    return { kind: text, seconds: seconds('--duration', duration ?? defaultDuration) };
  }
  const perSecond = whole('--rate', rate, 10_000_000);
  // A ramp that ends at this rate has half of it on average.
  return { kind: text, seconds: (users / perSecond) * (text === 'ramp' ? 2 : 1) };
}

function curveIn(file: string): CurvePoint[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--arrival: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  try {
    return parseCurve(text);
  } catch (error) {
    if (error instanceof CurveError) throw new UsageError(`--arrival: ${file}, ${error.message}`);
    throw error;
  }
}

function languageOf(text: string | undefined, env: NodeJS.ProcessEnv): 'ko' | 'en' {
  if (text === undefined) {
    return (env['LC_ALL'] ?? env['LC_MESSAGES'] ?? env['LANG'] ?? '').startsWith('ko') ? 'ko' : 'en';
  }
  if (text !== 'ko' && text !== 'en') throw new UsageError(`--lang: expected ko or en, not "${text}"`);
  return text;
}
