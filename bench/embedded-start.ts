/**
 * Measures the start of the embedded profile on a file with many coupons, and how long its event loop stands still then
 * and under claims. The figures stand in docs/scale.md.
 *
 *   npm run build && node --import ./test/support/typescript-loader.mjs bench/embedded-start.ts --directory /tmp/start
 *
 * The directory stays: a second run on it fills nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Database from 'libsql';
import { freePort } from '../stack/server-process.js';

const { values: options } = parseArgs({
  options: {
    directory: { type: 'string', default: '/tmp/coupon-start' },
    coupons: { type: 'string', default: '1000000' },
    left: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '40' },
    node: { type: 'string', default: '' },
  },
});
const COUPONS = Number(options.coupons);
const LEFT = Number(options.left);
/** Rows of one INSERT. */
const PART = 100_000;
/** Claims a second while the service runs. */
const RATE = 50;
const DIRECTORY = resolve(options.directory);

/**
 * Runs in the service. A tick of 5 ms notes how long the event loop has stood still, and how much of that the main thread
 * was on a processor: the rest it waited for one, on a machine that does other work.
 */
const PROBE = `
import { readFileSync, writeSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
const onProcessor = () => Number(readFileSync('/proc/self/task/' + process.pid + '/schedstat', 'utf8').split(' ')[0]) / 1e6;
const stalls = [], collections = [];
let at = performance.now(), busy = onProcessor();
setInterval(() => {
  const now = performance.now(), ran = onProcessor();
  if (now - at > 20) stalls.push({ at: Math.round(at), ms: Math.round(now - at), busy: Math.round(ran - busy) });
  at = now; busy = ran;
}, 5).unref();
new PerformanceObserver((list) => {
  for (const { startTime, duration, detail } of list.getEntries()) {
    if (duration > 10) collections.push({ at: Math.round(startTime), ms: Math.round(duration), kind: detail.kind });
  }
}).observe({ entryTypes: ['gc'] });
process.on('exit', () => writeSync(2, '\\nPROBE ' + JSON.stringify({ stalls, collections }) + '\\n'));
`;

interface Service {
  readonly child: ChildProcess;
  readonly url: string;
  readonly output: () => string;
  /** From the spawn to the line that it listens, ms. What the main thread alone has computed by then, and all threads. */
  readonly listenedAfter: number;
  readonly main: number;
  readonly processor: number;
}

async function start(): Promise<Service> {
  const port = await freePort();
  const began = performance.now();
  const probe = `data:text/javascript,${encodeURIComponent(PROBE)}`;
  const own = options.node === '' ? [] : options.node.split(' ');
  const child = spawn(process.execPath, [...own, '--import', probe, resolve('dist/main.js')], {
    cwd: DIRECTORY,
    env: { PATH: process.env.PATH ?? '', DATA_DIR: DIRECTORY, PORT: String(port), ADMIN_TOKEN: 'x'.repeat(20) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  while (!output.includes('listening on')) {
    if (child.exitCode !== null) throw new Error(output);
    await sleep(2);
  }
  const listenedAfter = performance.now() - began;
  // Ticks of 10 ms, in user and kernel mode, of all threads.
  const [user, kernel] = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ').slice(11, 13) ?? [];
  const processor = (Number(user) + Number(kernel)) * 10;
  const schedule = readFileSync(`/proc/${child.pid}/task/${child.pid}/schedstat`, 'utf8');
  const main = Math.round(Number(schedule.split(' ')[0]) / 1e6);
  return { child, url: `http://127.0.0.1:${port}`, output: () => output, listenedAfter, main, processor };
}

async function stop({ child, output }: Service): Promise<{ stalls: Stall[]; collections: unknown[] }> {
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
  return JSON.parse(/PROBE (.*)/.exec(output())?.[1] ?? '{}') as { stalls: Stall[]; collections: unknown[] };
}

const timesOf = ({ listenedAfter, main, processor }: Service) =>
  `${Math.round(listenedAfter)} ms; processor: ${main} ms of the main thread, ${processor} ms of all`;

interface Stall {
  readonly at: number;
  readonly ms: number;
  readonly busy: number;
}

/** The campaign `default` with all coupons but those of `left`, a campaign that has left the gate. */
function fill(): void {
  const database = new Database(join(DIRECTORY, 'coupon.sqlite'));
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -262144');
  const insert = (campaign: string, rows: number) => {
    for (let from = 1; from <= rows; from += PART) {
      database.exec(
        `WITH RECURSIVE seq(n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM seq WHERE n < ${Math.min(rows, from + PART - 1)}) ` +
          'INSERT INTO coupons (campaign_id, user_id, claim_id, code, sequence, claimed_at, created_at) ' +
          `SELECT '${campaign}', '${campaign}-' || n || '-' || lower(hex(randomblob(4))), ` +
          `printf('01K${campaign.slice(0, 1).toUpperCase()}%022d', n), lower(hex(randomblob(16))), n, 1764000000000 + n, 1764000000000 + n FROM seq`,
      );
    }
  };
  insert('default', COUPONS);
  database.exec(
    `UPDATE campaigns SET total = 10000000, issued = ${COUPONS}, version = version + 1 WHERE id = 'default'`,
  );
  if (LEFT > 0) {
    database.exec(
      'INSERT INTO campaigns (id, name, total, issued, starts_at, state, version, left_gate_at, gate_cleared_at, created_at, updated_at) ' +
        `VALUES ('left', 'left', ${LEFT}, ${LEFT}, 1, 'CLOSED', 2, 3, 4, 1, 2)`,
    );
    insert('left', LEFT);
  }
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

/** Claims at an even rate, without waiting for the answers. */
async function claim(url: string, round: number, seconds: number): Promise<{ answered: number; slowest: number }> {
  const answers: Promise<void>[] = [];
  let answered = 0;
  let slowest = 0;
  const call = async (user: string) => {
    const began = performance.now();
    const body = JSON.stringify({ userId: user, campaignId: 'default' });
    const headers = { 'content-type': 'application/json' };
    const { status } = await fetch(`${url}/api/coupons/apply`, { method: 'POST', headers, body });
    if (status === 202) answered += 1;
    slowest = Math.max(slowest, performance.now() - began);
  };
  for (let n = 0; n < seconds * RATE; n++) {
    answers.push(call(`r${round}-${Date.now()}-${n}`));
    await sleep(1_000 / RATE);
  }
  await Promise.all(answers);
  return { answered, slowest };
}

if (!existsSync(join(DIRECTORY, 'coupon.sqlite'))) {
  const first = await start();
  console.log(`a start on an empty file: ${timesOf(first)}`);
  await stop(first);
  fill();
}
for (let round = 0; round < Number(options.rounds); round++) {
  const service = await start();
  const { answered, slowest } = await claim(service.url, round, Number(options.seconds));
  const { stalls, collections } = await stop(service);
  const worst = (some: Stall[]) => some.toSorted((a, b) => b.busy - a.busy).slice(0, 8);
  const after = service.listenedAfter;
  console.log(`listening after ${timesOf(service)}; ${answered} claims, slowest ${Math.round(slowest)} ms`);
  console.log('  stalls of the start', JSON.stringify(worst(stalls.filter(({ at }) => at < after))));
  console.log('  stalls afterwards', JSON.stringify(worst(stalls.filter(({ at }) => at >= after))));
  console.log('  collections', JSON.stringify(collections));
}
