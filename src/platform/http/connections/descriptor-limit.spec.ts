import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { descriptorLimit, mostConnections } from './descriptor-limit.js';

describe('the limit of file descriptors', () => {
  it('is the one that the system gave to this process', () => {
    const { userLimits } = process.report.getReport() as unknown as {
      readonly userLimits: { readonly open_files: { readonly soft: number | string } };
    };
    const soft = Number(userLimits.open_files.soft);
    expect(descriptorLimit()).toBe(Number.isNaN(soft) ? undefined : soft);
    // The shell's own limit: the same, or Node has raised it to the hard limit.
    expect(['unlimited', String(soft)]).toContain(execFileSync('sh', ['-c', 'ulimit -Hn']).toString().trim());
  });

  it.each([
    [undefined, 1024, 768],
    [undefined, 4096, 3840],
    [undefined, 65_536, 65_280],
    // Memory would run out before this many connections are open.
    [undefined, 1_048_576, 65_280],
    [undefined, undefined, 65_280],
    [200_000, 1_048_576, 200_000],
    [200_000, undefined, 200_000],
    [10, 1024, 10],
    // Some descriptors remain for the rest of the process, whatever the operator asks for and however few there are.
    [5000, 1024, 768],
    [undefined, 512, 256],
    [undefined, 400, 200],
    [undefined, 64, 32],
    [undefined, 1, 1],
  ])('with MAX_CONNECTIONS %p and %p descriptors leaves %p connections', (wanted, limit, most) => {
    expect(mostConnections(wanted, limit)).toBe(most);
  });
});
