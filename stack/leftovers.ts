import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PID_FILE, pause, signalTo } from './server-process.js';

/** How long a server may take to end in order, ms. */
const PATIENCE_MS = 20_000;

/**
 * Ends the servers whose directories lie below `root`, also those of other runs. A process that reuses the number of an
 * ended server is left alone: the command line of a server names its directory.
 */
export async function endLeftovers(root: string): Promise<number> {
  const pids = serversIn(root);
  for (const pid of pids) {
    signalTo(pid, 'SIGTERM');
    signalTo(pid, 'SIGCONT');
  }
  const deadline = Date.now() + PATIENCE_MS;
  for (const pid of pids) {
    while (isServerIn(root, pid)) {
      if (Date.now() > deadline) signalTo(pid, 'SIGKILL');
      await pause(50);
    }
  }
  return pids.length;
}

/** The process ids of the servers that run in directories below `root`. */
export function serversIn(root: string): number[] {
  return pidFilesBelow(root)
    .map((file) => Number(readFileSync(file, 'utf8')))
    .filter((pid) => isServerIn(root, pid));
}

/**
 * Finds the pid files. A directory with one belongs to one server and holds only its data, so the search stops there.
 */
function pidFilesBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const file = join(directory, name, PID_FILE);
      return existsSync(file) ? [file] : pidFilesBelow(join(directory, name));
    });
}

function isServerIn(root: string, pid: number): boolean {
  try {
    const [state, ...command] = execFileSync('ps', ['-o', 'stat=,args=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/);
    return !state?.startsWith('Z') && command.join(' ').includes(root);
  } catch {
    // ps exits with 1 if there is no such process.
    return false;
  }
}
