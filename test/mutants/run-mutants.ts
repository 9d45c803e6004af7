import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { NativeStack } from '../../stack/native-stack.js';
import { runJest } from '../../stack/run-jest.js';
import { applyEdits } from './anchors.js';
import { type Mutant, MUTANTS } from './mutants.js';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
/** The files from which a mutant is built and tested. */
const PARTS = [
  'src',
  'stack',
  'test',
  'bench',
  'web',
  'oracle',
  'rehearsal',
  'package.json',
  'nest-cli.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'jest.config.js',
  'jest.stack.config.js',
  // How the service is started is read from it, and what Redis' user needs from the documents.
  'Dockerfile',
  'docs',
];

/** A mutant can make its test run for ever. No single test takes as long as this, ms. */
const LIMIT_MS = 15 * 60_000;

/** The part of Jest's JSON that is read here. */
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

/**
 * Makes one mutant after the other, and expects the test that is named for it to fail.
 *
 * @param root where the copies and the servers' files go.
 * @param only a part of the names of the mutants that are wanted, or the project of the tests that catch them.
 * @param seed of the faults' random moments.
 * @returns whether every mutant was caught.
 */
export async function runMutants(root: string, only: string, seed: string): Promise<boolean> {
  const wanted = MUTANTS.filter(({ name, caughtBy }) => name.includes(only) || caughtBy.project === only);
  if (wanted.length === 0) throw new Error(`no mutant is called ${only}`);
  // Most mutants are caught by a test that needs only Node.
  const needServers = wanted.some(({ caughtBy }) => caughtBy.project !== 'unit');
  const servers = needServers ? await NativeStack.start(join(root, 'servers')) : null;
  const env = {
    TMPDIR: root,
    FAULT_SEED: seed,
    ...(servers === null
      ? {}
      : {
          STACK_REDIS_URL: servers.redis.url,
          STACK_KAFKA_BROKERS: servers.kafka.brokers,
          STACK_DATABASE_URL: servers.mariadb.url,
        }),
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
          // A test that fails without a mutant would catch every mutant.
          const failures = await runNamedTest(mutant.caughtBy, CHECKOUT, root, env);
          if (failures.length > 0) throw new Error(`the test fails without any mutant:\n${failures.join('\n')}`);
          controlled.add(title);
        }
        const failure = await tryMutant(mutant, root, env);
        verdict = failure === null ? 'SURVIVED' : 'caught';
        assertion = failure === null ? '' : `\n         ${inOneLine(failure)}`;
      } catch (error) {
        // Go on with the other mutants.
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
    await servers?.stop();
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
  applyEdits(join(copy, 'src'), edits);
  // Jest compiles what a unit test imports. A mutant of a branch may also be one that the compiler refuses.
  if (caughtBy.project !== 'unit') {
    execFileSync('npm', ['run', '--silent', 'build:service'], { cwd: copy, stdio: 'inherit' });
  }
  const failures = await runNamedTest(caughtBy, copy, root, env);
  if (failures.length === 0) return null;
  // If a server did not start or the mutant cannot run, the test has shown nothing.
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
    limitMs: LIMIT_MS,
  });
  const { testResults } = existsSync(report) ? (JSON.parse(readFileSync(report, 'utf8')) as JestReport) : NO_REPORT;
  const named = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ fullName, status }) => fullName.includes(test.title) && ['passed', 'failed'].includes(status));
  if (named.length === 0) throw new Error(`the test was not run: ${test.title}\n${output.slice(-3_000)}`);
  return named.flatMap(({ failureMessages }) => failureMessages);
}

/** The messages of a Jest matcher, and of a wait whose deadline has passed. The stack below is not read. */
function isAssertion(failure: string): boolean {
  return /expect\(|not within \d+ ms: /.test(messageOf(failure));
}

/** The message without the stack. */
function messageOf(failure: string): string {
  return failure.split('\n    at ')[0] ?? '';
}

/** What failed, without colours and the stack: whether a mutant was caught by what it does, or by selling nothing at all. */
function inOneLine(failure: string): string {
  return stripVTControlCharacters(messageOf(failure)).replaceAll(/\s+/g, ' ').slice(0, 200);
}
