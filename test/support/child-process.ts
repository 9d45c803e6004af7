import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const LOADER = fileURLToPath(new URL('./typescript-loader.mjs', import.meta.url));

/** A TypeScript file running in a process of its own, with what it has said so far. */
export interface Child {
  readonly process: ChildProcess;
  /** Complete lines only: what a killed process wrote half is not an announcement. */
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
