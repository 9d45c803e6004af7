import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificatePage } from './certificate/page.js';
import { HELP, type Options, parseOptions } from './options.js';
import { ProgressLine } from './progress.js';
import { type Desk, rehearse } from './rehearsal.js';
import { type Report } from './report.js';
import { requireThisMachine } from './this-machine.js';
import { UsageError } from './usage-error.js';
import { summary } from './summary.js';

/** A promise was broken. */
const BROKEN = 1;
const WRONG_USAGE = 2;
/** As a shell reports a command that Ctrl-C has ended. */
const INTERRUPTED = 130;

/** @returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, process.env);
  if (options === null) {
    console.log(HELP);
    return 0;
  }
  const line = new ProgressLine(process.stdout);
  const desk = deskOn(line);
  const report = await run(options, commandOf(args), desk);
  line.end();
  const files = writeCertificate(options, report);
  console.log(`\n${summary(report)}\n\n${files.join('\n')}`);
  if (report.verdict === 'broken') return BROKEN;
  return report.brokenOff === null ? 0 : INTERRUPTED;
}

async function run(options: Options, command: string, desk: Desk): Promise<Report> {
  for (const url of [...options.urls, options.adminUrl]) if (!options.ownsIt) await requireThisMachine(url);
  if (!options.chaos) return rehearse(options, command, desk);
  // Servers, and the support of the tests: loaded only where they are wanted.
  const [{ Installation }, { strikesOn }] = await Promise.all([
    import('./chaos/installation.js'),
    import('./chaos/strikes.js'),
  ]);
  desk.say('starting Redis, Kafka, MariaDB, two apis and a worker …');
  const installation = await Installation.start();
  try {
    const { urls, token, cluster } = installation;
    const [url] = urls as [URL];
    const strikes = strikesOn(cluster, options.seed, (line) => desk.say(line));
    return await rehearse({ ...options, url, urls, adminUrl: url, token }, command, desk, strikes);
  } finally {
    await installation.stop();
  }
}

/** The first Ctrl-C ends the load, the second one the wait for coupons, the third one the process. */
function deskOn(line: ProgressLine): Desk {
  const [load, waiting] = [new AbortController(), new AbortController()];
  const interrupt = () => {
    if (!load.signal.aborted) {
      load.abort();
      line.say('broken off: no further calls. Once more: no wait for coupons either');
    } else if (!waiting.signal.aborted) {
      waiting.abort();
    } else {
      process.exit(INTERRUPTED);
    }
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return {
    say: (text) => line.say(text),
    tell: (progress) => line.tell(progress),
    stopLoad: load.signal,
    stopWaiting: waiting.signal,
  };
}

/** @returns the paths of the two files. */
function writeCertificate({ out, language }: Options, report: Report): string[] {
  mkdirSync(out, { recursive: true });
  const [page, json] = [join(out, 'certificate.html'), join(out, 'certificate.json')] as [string, string];
  writeFileSync(page, certificatePage(report, language));
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  return [page, json];
}

/** The command that repeats the run, without its secrets. */
function commandOf(args: readonly string[]): string {
  const shown = args.map((arg, at) => {
    if (/^--(?:token|key)=/.test(arg)) return arg.replace(/=.*/, '=…');
    return /^--(?:token|key)$/.test(args[at - 1] ?? '') ? '…' : arg;
  });
  return ['npm run rehearse', ...(shown.length === 0 ? [] : ['--', ...shown])].join(' ');
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = error instanceof UsageError ? WRONG_USAGE : BROKEN;
}
