import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { endLeftovers } from '../../stack/leftovers.js';
import { howToInstall } from '../../stack/missing-programs.js';
import { runJest } from '../../stack/run-jest.js';
import { runMutants } from '../mutants/run-mutants.js';
import { missingFaultPrograms } from './fault-programs.js';
import { type FaultSummary, merged, summarize, toMarkdown } from './fault-report.js';
import { type FaultRecord } from './fault-test.js';
import { unmountBelow } from './small-disk.js';

const HELP = `npm run test:faults [-- options]
  --only N[,N]    the faults of these rows; with --mutants, the mutants whose name contains it, or whose tests are in
                  this project (unit, adapters, faults; those of unit need no servers)
  --rounds N      each fault so often; a slow one three times at the most (default 1)
  --seed S        repeats the random moments of an earlier run
  --brief         leaves out the slow ones, which it names
  --gate          leaves out variants of another one and those of half a minute, too, as the project's gate does
  --nightly       has those that take minutes, too (NIGHTLY in variants.ts)
  --mutants       breaks the protocol in one place after the other, and expects the test that is named for it to fail
  --add           counts the rounds of the table that is there already, too
  --out DIR       where the table goes, as faults.md and faults.json, and what callers heard in rounds that failed
                  (default .stack/faults)
  anything else goes to Jest`;

const { values: options, tokens } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    brief: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    nightly: { type: 'boolean', default: false },
    add: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    out: { type: 'string', default: join('.stack', 'faults') },
    help: { type: 'boolean', default: false },
  },
  strict: false,
  allowPositionals: true,
  tokens: true,
});

/** The arguments that this program does not know are passed to Jest. */
function jestArguments(): string[] {
  const known = new Set(['only', 'rounds', 'seed', 'brief', 'gate', 'nightly', 'mutants', 'add', 'out', 'help']);
  return tokens.flatMap((token) =>
    token.kind === 'option' && !known.has(token.name)
      ? [token.value === undefined ? token.rawName : `${token.rawName}=${token.value}`]
      : [],
  );
}

/** Two files at a time, also on two cores, because faults mostly wait. */
function processes(): string[] {
  const given = tokens.some((token) => token.kind === 'option' && ['maxWorkers', 'runInBand'].includes(token.name));
  return given ? [] : ['--maxWorkers=2'];
}

/** Runs every fault once or more often. @returns true if all promises were kept in all rounds. */
async function runFaults(root: string): Promise<boolean> {
  const records = join(root, 'records.jsonl');
  writeFileSync(records, '');
  const rows = options.only === undefined ? null : String(options.only).split(',').map(Number);
  if (rows?.some((row) => !Number.isInteger(row))) throw new Error('--only wants numbers of rows, with commas');
  console.log(`seed ${options.seed}; the same faults at the same moments: --seed ${options.seed}`);
  const { code } = await runJest({
    config: 'jest.stack.config.js',
    args: [
      '--selectProjects',
      'faults',
      '--verbose',
      ...(rows === null ? [] : ['-t', `#(${rows.join('|')}) `]),
      ...processes(),
      ...jestArguments(),
    ],
    env: {
      TMPDIR: root,
      FAULT_RECORDS: records,
      FAULT_HISTORIES: resolve(String(options.out), 'histories'),
      FAULT_ROUNDS: String(options.rounds),
      FAULT_SEED: String(options.seed),
      ...(options.brief ? { FAULT_BRIEF: '1' } : {}),
      ...(options.gate ? { FAULT_GATE: '1' } : {}),
      ...(options.nightly ? { FAULT_NIGHTLY: '1' } : {}),
    },
    show: true,
  });
  const found = readFileSync(records, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as FaultRecord);
  const out = String(options.out);
  const summaries = merged(options.add ? earlier(out) : [], summarize(found));
  const table = toMarkdown(summaries);
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'faults.md'), table);
  writeFileSync(join(out, 'faults.json'), `${JSON.stringify({ summaries }, null, 2)}\n`);
  console.log(`\n${table}\nalso in ${out}, as faults.md and faults.json`);
  if (found.length === 0) throw new Error('no fault was tried');
  return code === 0;
}

function earlier(out: string): FaultSummary[] {
  const file = join(out, 'faults.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { summaries: FaultSummary[] }).summaries : [];
}

async function main(): Promise<boolean> {
  if (options.help) {
    console.log(HELP);
    return true;
  }
  const missing = missingFaultPrograms();
  if (missing.length > 0) throw new Error(howToInstall(missing));
  // Everything that a run makes lies below this directory; see TMPDIR.
  const root = mkdtempSync(join(tmpdir(), 'coupon-faults-'));
  try {
    return await (options.mutants
      ? runMutants(root, String(options.only ?? ''), String(options.seed))
      : runFaults(root));
  } finally {
    await endLeftovers(root);
    unmountBelow(root);
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

try {
  process.exit((await main()) ? 0 : 1);
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
