import { execFileSync } from 'node:child_process';
import { signalTo } from '../stack/server-process.js';

/** On Ctrl-C, or when the process that started the bench ends, ends the servers of the bench and deletes their data. */
export function endWithUs(cleanUp: () => void): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      for (const pid of descendantsOf(process.pid)) signalTo(pid, 'SIGKILL');
      cleanUp();
      process.exit(code);
    });
  }
}

/**
 * The descendants in the output of ps. No new one can start at this time: only the bench starts them, and it is in this
 * function.
 */
function descendantsOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const line of execFileSync('ps', ['-e', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')) {
    const [child, parent] = line.trim().split(/\s+/).map(Number) as [number, number];
    children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  const found = [pid];
  for (const one of found) found.push(...(children.get(one) ?? []));
  return found.slice(1);
}
