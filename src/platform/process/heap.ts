import inspector from 'node:inspector';
import { setFlagsFromString } from 'node:v8';
import { isMainThread } from 'node:worker_threads';

/**
 * How V8 keeps the heap. The image and `npm start` name the same settings; docs/deployment.md says what each one brings.
 */
export const HEAP_SETTINGS = ['--max-semi-space-size=64', '--heap-growing-percent=100', '--no-memory-reducer'] as const;

/**
 * What V8 still follows when a process runs. The young heap has its size from the first object on. The memory reducer is
 * there already, and is told to begin after 24 days of idleness.
 */
const LATE: Readonly<Record<string, string>> = {
  'heap-growing-percent': '--heap-growing-percent=100',
  'memory-reducer': '--gc-memory-reducer-start-delay-ms=2147483647',
};

/** Newer than the types of the oldest Node. */
type Execve = (file: string, args: readonly string[], env: NodeJS.ProcessEnv) => never;

/**
 * Gives this process the heap that the image gives it. Call it before anything is loaded, since the process may be
 * replaced by itself with the settings: it keeps its id, its environment and its files. Where Node cannot do that
 * (before 22.15), a debugger is attached or a parent talks to the process, it sets what can still be set.
 *
 * A setting that the command line or NODE_OPTIONS mentions is the operator's, and stays as it is.
 */
export function settleHeap(): void {
  const missing = settingsNotIn([...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)]);
  if (missing.length === 0) return;
  const { execve } = process as { execve?: Execve };
  if (execve !== undefined && isMainThread && process.send === undefined && inspector.url() === undefined) {
    const args = [process.execPath, ...process.execArgv, ...missing, ...process.argv.slice(1)];
    try {
      execve.call(process, process.execPath, args, process.env);
    } catch {
      // The permission model can forbid it.
    }
  }
  for (const setting of missing) {
    const late = LATE[nameOf(setting)];
    if (late !== undefined) setFlagsFromString(late);
  }
}

/** Those settings of {@link HEAP_SETTINGS} that these options of Node do not mention, with any value. */
export function settingsNotIn(options: readonly string[]): string[] {
  const given = new Set(options.map(nameOf));
  return HEAP_SETTINGS.filter((setting) => !given.has(nameOf(setting)));
}

/** V8 reads `_` as `-`, and `--no-x` as x. */
function nameOf(option: string): string {
  return option
    .replace(/=.*$/, '')
    .replaceAll('_', '-')
    .replace(/^--(?:no-?)?/, '');
}
