import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { missingPrograms } from '../../stack/missing-programs.js';

/** Where Debian keeps libfaketime: clocks that are wrong. Undefined when it is not installed. */
export function libfaketime(): string | undefined {
  for (const directory of readdirSync('/usr/lib', { withFileTypes: true })) {
    if (!directory.isDirectory()) continue;
    const place = join('/usr/lib', directory.name, 'faketime');
    try {
      const file = readdirSync(place).find((name) => name.startsWith('libfaketime.so'));
      if (file !== undefined) return join(place, file);
    } catch {
      // Not here.
    }
  }
  return undefined;
}

/** What the faults need besides the servers, and the servers' programs. */
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
