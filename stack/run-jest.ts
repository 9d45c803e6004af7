import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { signalTo } from './server-process.js';

/** Signals that are passed on to Jest: its process group is not the terminal's, so it does not get them itself. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How to run Jest. */
export interface JestRun {
  /** The checkout to run in; by default, this one. */
  readonly cwd?: string;
  readonly config: 'jest.config.js' | 'jest.stack.config.js';
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** If false, Jest's output is not printed but returned. */
  readonly show: boolean;
  /** After this time Jest and all that it has started are ended, ms; by default never. */
  readonly limitMs?: number;
}

/**
 * Runs Jest in its own process. Ctrl-C ends it too, with all processes that it has started.
 *
 * @returns its exit code and, unless shown, its output.
 */
export async function runJest({
  cwd,
  config,
  args,
  env,
  show,
  limitMs,
}: JestRun): Promise<{ code: number; output: string }> {
  const root = cwd ?? fileURLToPath(new URL('..', import.meta.url));
  const jest = spawn(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
      '--config',
      config,
      ...args,
    ],
    // Its own process group, so that the processes of its tests can be ended even if Jest could not end them.
    {
      cwd: root,
      detached: true,
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    },
  );
  await once(jest, 'spawn');
  const group = -(jest.pid as number);
  let output = '';
  for (const stream of [jest.stdout, jest.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const pass = (signal: NodeJS.Signals) => void signalTo(group, signal);
  for (const signal of PASSED_ON) process.on(signal, pass);
  const limit = limitMs === undefined ? undefined : setTimeout(() => signalTo(group, 'SIGKILL'), limitMs);
  try {
    const closed = once(jest, 'close');
    const [code] = (await once(jest, 'exit')) as [number | null];
    // A process that is left may hold a pipe of Jest open.
    signalTo(group, 'SIGKILL');
    await closed;
    return { code: code ?? 1, output };
  } finally {
    clearTimeout(limit);
    for (const signal of PASSED_ON) process.off(signal, pass);
  }
}
