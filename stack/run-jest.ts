import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { signalTo } from './server-process.js';

/** The group is not the terminal's, so these do not reach it by themselves. */
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Where to run Jest, and with what. */
export interface JestRun {
  /** A checkout; this one when it is not given. */
  readonly cwd?: string;
  readonly config: 'jest.config.js' | 'jest.stack.config.js';
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** `pipe` keeps what Jest says to whoever reads `output`. */
  readonly show: boolean;
}

/**
 * Runs Jest as a process of its own, which Ctrl-C ends too, and whatever it has started.
 *
 * @returns its exit code and, unless shown, its output.
 */
export async function runJest({ cwd, config, args, env, show }: JestRun): Promise<{ code: number; output: string }> {
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
    // A group of its own: the processes that its tests have started can be ended when it could not do that itself.
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
  try {
    const closed = once(jest, 'close');
    const [code] = (await once(jest, 'exit')) as [number | null];
    // Whoever is left may hold a pipe of Jest's open.
    signalTo(group, 'SIGKILL');
    await closed;
    return { code: code ?? 1, output };
  } finally {
    for (const signal of PASSED_ON) process.off(signal, pass);
  }
}
