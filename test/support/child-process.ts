import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const LOADER = fileURLToPath(new URL('./typescript-loader.mjs', import.meta.url));

/** A TypeScript file that runs in its own process, and its output so far. */
export interface Child {
  readonly process: ChildProcess;
  /** Complete lines only: a killed process may have written half a line. */
  lines(): string[];
  errors(): string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

export function startChild(file: URL, args: readonly string[]): Child {
  const child = spawn(process.execPath, ['--import', LOADER, fileURLToPath(file), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  let output = '';
  let errors = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  return {
    process: child,
    lines: () => output.split('\n').slice(0, -1),
    errors: () => errors,
    kill: async (signal) => {
      child.kill(signal);
      await closed;
    },
  };
}
