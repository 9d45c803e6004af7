import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { endLeftovers, serversIn } from './leftovers.js';
import { PID_FILE } from './server-process.js';

/** A process that does nothing until it is ended. Like a server's, its command line names `directory`. */
const waitIn = (directory: string) => spawn(process.execPath, ['-e', 'setInterval(() => 0, 1_000)', directory]);

describe('leftovers', () => {
  const root = mkdtempSync(join(tmpdir(), 'leftovers-'));
  afterAll(() => rmSync(root, { recursive: true }));

  it('ends the servers of a cluster, however deep its directory lies, and no process that reuses a number', async () => {
    const directory = join(root, 'cluster', 'redis');
    const old = join(root, 'old');
    for (const each of [directory, old]) mkdirSync(each, { recursive: true });
    const [server, heir] = [waitIn(directory), waitIn('elsewhere')];
    const ended = once(server, 'exit');
    writeFileSync(join(directory, PID_FILE), String(server.pid));
    writeFileSync(join(old, PID_FILE), String(heir.pid));
    try {
      expect(serversIn(root)).toEqual([server.pid]);
      expect(await endLeftovers(root)).toBe(1);
      expect(await ended).toEqual([null, 'SIGTERM']);
      expect(heir.exitCode).toBeNull();
    } finally {
      for (const each of [server, heir]) each.kill('SIGKILL');
    }
  });
});
