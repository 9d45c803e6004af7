import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { missingPrograms } from '../../stack/missing-programs.js';

/** The path of libfaketime on Debian, which makes clocks wrong. Undefined if it is not installed. */
export function libfaketime(): string | undefined {
  for (const directory of readdirSync('/usr/lib', { withFileTypes: true })) {
    if (!directory.isDirectory()) continue;
    const place = join('/usr/lib', directory.name, 'faketime');
    try {
      const file = readdirSync(place).find((name) => name.startsWith('libfaketime.so'));
      if (file !== undefined) return join(place, file);
    } catch {
      // Not in this directory.
    }
  }
  return undefined;
}

/** The missing programs of all that the faults need: those of the servers, and others. */
export function missingFaultPrograms(): string[] {
  return [
    ...missingPrograms(),
    ...(libfaketime() === undefined ? ['libfaketime (clocks that are wrong)'] : []),
    ...(runs('prlimit') ? [] : ['util-linux (prlimit: disks that are full)']),
  ];
}

function runs(command: string): boolean {
  try {
    execFileSync(command, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
