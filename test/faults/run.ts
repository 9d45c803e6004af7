import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';
import { endLeftovers } from '../../stack/leftovers.js';
import { howToInstall } from '../../stack/missing-programs.js';
import { NativeStack } from '../../stack/native-stack.js';
import { runJest } from '../../stack/run-jest.js';
import { missingFaultPrograms } from './fault-programs.js';
import { type FaultSummary, merged, summarize, toMarkdown } from './fault-report.js';
import { type FaultRecord } from './fault-test.js';
import { type Mutant, MUTANTS } from './mutants.js';
import { unmountBelow } from './small-disk.js';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
/** What a mutant is built and tested from. */
const PARTS = [
  'src',
  'stack',
  'test',
  'package.json',
  'nest-cli.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'jest.config.js',
  'jest.stack.config.js',
  // How the service is started is read from it.
  'Dockerfile',
];

/** Of Jest's JSON, what is read here. */
interface JestReport {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const NO_REPORT: JestReport = { testResults: [] };

type Environment = Readonly<Record<string, string>>;

const HELP = `npm run test:faults [-- options]
  --only N[,N]    the faults of these rows; with --mutants, the mutants whose name contains it
  --rounds N      each fault so often; a slow one three times at the most (default 1)
  --seed S        repeats the random moments of an earlier run
  --brief         leaves out the slow ones, which it names
  --gate          leaves out the variants of another one, too, as the project's gate does
  --mutants       breaks the protocol in one place after the other, and expects the test that is named for it to fail
  --add           counts the rounds of the table that is there already, too
  --out DIR       where the table goes, as faults.md and faults.json (default .stack/faults)
  anything else goes to Jest`;

const { values: options, tokens } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    brief: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    add: { type: 'boolean', default: false },
    mutants: { type: 'boolean', default: false },
    out: { type: 'string', default: join('.stack', 'faults') },
    help: { type: 'boolean', default: false },
  },
  strict: false,
  allowPositionals: true,
  tokens: true,
});

/** Of which Jest knows more than we do. */
function jestArguments(): string[] {
  const known = new Set(['only', 'rounds', 'seed', 'brief', 'gate', 'mutants', 'add', 'out', 'help']);
  return tokens.flatMap((token) =>
    token.kind === 'option' && !known.has(token.name)
      ? [token.value === undefined ? token.rawName : `${token.rawName}=${token.value}`]
      : [],
  );
}

/** Two files at a time, also on two cores: what takes a minute spends it waiting. The gate has one and its peace. */
function processes(): string[] {
  const given = tokens.some((token) => token.kind === 'option' && ['maxWorkers', 'runInBand'].includes(token.name));
  return given || options.gate ? [] : ['--maxWorkers=2'];
}

/** Every fault once or more. @returns whether all promises were kept in all rounds. */
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
      FAULT_ROUNDS: String(options.rounds),
      FAULT_SEED: String(options.seed),
      ...(options.brief ? { FAULT_BRIEF: '1' } : {}),
      ...(options.gate ? { FAULT_GATE: '1' } : {}),
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

/** @returns whether every mutant was caught. */
async function runMutants(root: string): Promise<boolean> {
  const wanted = MUTANTS.filter(({ name }) => name.includes(String(options.only ?? '')));
  if (wanted.length === 0) throw new Error(`no mutant is called ${String(options.only)}`);
  const servers = await NativeStack.start(join(root, 'servers'));
  const env = {
    TMPDIR: root,
    FAULT_SEED: String(options.seed),
    STACK_REDIS_URL: servers.redis.url,
    STACK_KAFKA_BROKERS: servers.kafka.brokers,
    STACK_DATABASE_URL: servers.mariadb.url,
  };
  try {
    const survivors: string[] = [];
    const controlled = new Set<string>();
    for (const mutant of wanted) {
      const started = performance.now();
      const { title } = mutant.caughtBy;
      let verdict: string;
      let assertion = '';
      try {
        if (!controlled.has(title)) {
          // A test that fails anyway would catch everything.
          const failures = await runNamedTest(mutant.caughtBy, CHECKOUT, root, env);
          if (failures.length > 0) throw new Error(`the test fails without any mutant:\n${failures.join('\n')}`);
          controlled.add(title);
        }
        const failure = await tryMutant(mutant, root, env);
        verdict = failure === null ? 'SURVIVED' : 'caught';
        assertion = failure === null ? '' : `\n         ${inOneLine(failure)}`;
      } catch (error) {
        // The others are worth trying.
        console.error((error as Error).message);
        verdict = 'UNTRIED';
      }
      const seconds = ((performance.now() - started) / 1_000).toFixed(0);
      console.log(`${verdict.padEnd(8)} ${mutant.name} (${title}; ${seconds} s)${assertion}`);
      if (verdict !== 'caught') survivors.push(mutant.name);
    }
    console.log(`${wanted.length - survivors.length} of ${wanted.length} mutants caught`);
    return survivors.length === 0;
  } finally {
    await servers.stop();
  }
}

/**
 * Builds the mutant and runs the test that is named for it.
 * @returns the assertion that failed; null when there was none, and the mutant has survived.
 * @throws when the test was not run, or failed in another way than by an assertion.
 */
async function tryMutant({ edits, caughtBy }: Mutant, root: string, env: Environment): Promise<string | null> {
  const copy = join(root, 'mutant');
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const part of PARTS) {
    if (existsSync(join(CHECKOUT, part))) cpSync(join(CHECKOUT, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(CHECKOUT, 'node_modules'), join(copy, 'node_modules'));
  for (const { file, find, replace } of edits) {
    const text = readFileSync(join(copy, file), 'utf8');
    if (text.split(find).length !== 2) throw new Error(`${file} has not exactly one of:\n${find}`);
    writeFileSync(
      join(copy, file),
      text.replace(find, () => replace),
    );
  }
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: copy, stdio: 'inherit' });
  const failures = await runNamedTest(caughtBy, copy, root, env);
  if (failures.length === 0) return null;
  // A server that did not start, or a mutant that cannot run, has shown nothing.
  const caught = failures.find(isAssertion);
  if (caught === undefined) throw new Error(`the test failed without an assertion:\n${failures.join('\n')}`);
  return caught;
}

/** Runs one test of the checkout in `cwd`. @returns why it failed; nothing when it passed. @throws when it was not run. */
async function runNamedTest(test: Mutant['caughtBy'], cwd: string, root: string, env: Environment): Promise<string[]> {
  const unit = test.project === 'unit';
  const report = join(root, 'named-test.json');
  rmSync(report, { force: true });
  const { output } = await runJest({
    cwd,
    config: unit ? 'jest.config.js' : 'jest.stack.config.js',
    args: [
      ...(unit ? [] : ['--selectProjects', test.project]),
      ...['--json', `--outputFile=${report}`, '-t', test.title, '--', test.file],
    ],
    env,
    show: false,
  });
  const { testResults } = existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as JestReport) : NO_REPORT;
  const named = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ fullName, status }) => fullName.includes(test.title) && ['passed', 'failed'].includes(status));
  if (named.length === 0) throw new Error(`the test was not run: ${test.title}\n${output.slice(-3_000)}`);
  return named.flatMap(({ failureMessages }) => failureMessages);
}

/** What a matcher of Jest, a wait whose deadline has passed, or the oracle says; the stack below it is not looked at. */
function isAssertion(failure: string): boolean {
  return /expect\(|not within \d+ ms: |the audit finds a drift/.test(messageOf(failure));
}

/** Without the stack. */
function messageOf(failure: string): string {
  return failure.split('\n    at ')[0] ?? '';
}

/** What failed, without colours and the stack: whether a mutant was caught by what it does, or by selling nothing at all. */
function inOneLine(failure: string): string {
  return stripVTControlCharacters(messageOf(failure)).replaceAll(/\s+/g, ' ').slice(0, 200);
}

async function main(): Promise<boolean> {
  if (options.help) {
    console.log(HELP);
    return true;
  }
  const missing = missingFaultPrograms();
  if (missing.length > 0) throw new Error(howToInstall(missing));
  // Everything that a run makes lies below it: see TMPDIR.
  const root = mkdtempSync(join(tmpdir(), 'coupon-faults-'));
  try {
    return await (options.mutants ? runMutants(root) : runFaults(root));
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
