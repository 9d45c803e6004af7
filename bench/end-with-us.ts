import { execFileSync } from 'node:child_process';
import { signalTo } from '../stack/server-process.js';

/** Ctrl-C, or the end of whoever started the bench: its servers end with it, and so does what they have stored. */
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

/** As ps has them now. Nobody starts another one meanwhile: the bench itself does, and it is busy with this. */
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
