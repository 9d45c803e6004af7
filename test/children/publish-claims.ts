import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { openFile, openJournal } from '../support/embedded.js';
import { claimEvent } from '../support/claims.js';

/**
 * Publishes for as long as it lives and writes each acknowledged claimId to stdout; `hold` only keeps the file open.
 * The write is synchronous: a killed process must not take an id along that it had announced to itself only.
 */
const [directory = '', mode = 'publish'] = process.argv.slice(2);
const log = openJournal((await openFile(directory)).connection);

async function publishForEver(): Promise<never> {
  for (;;) {
    const event = claimEvent();
    try {
      await log.publish(event);
    } catch (error) {
      // A disk that stalls for a second has claims refused. Nobody was told that they are kept.
      process.stderr.write(`${(error as Error).message}\n`);
      continue;
    }
    writeSync(1, `${event.claimId}\n`);
  }
}

writeSync(1, 'open\n');
if (mode === 'publish') await Promise.all(Array.from({ length: 40 }, publishForEver));
else setInterval(() => undefined, 1_000);
