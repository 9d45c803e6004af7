import 'reflect-metadata';
import { openFile, openJournal } from '../support/embedded.js';
import { claimEvent } from '../support/claims.js';
import { announce } from './announce.mjs';

/**
 * Publishes for as long as it lives and announces each acknowledged claimId; `hold` only keeps the file open.
 */
const [directory = '', mode = 'publish'] = process.argv.slice(2);
const log = openJournal((await openFile(directory)).connection);

async function publishForEver(): Promise<never> {
  for (;;) {
    const event = claimEvent();
    try {
      await log.publish(event);
    } catch {
      // A disk that stalls for a second has claims refused. Nobody was told that they are kept.
      continue;
    }
    announce(event.claimId);
  }
}

announce('open');
if (mode === 'publish') await Promise.all(Array.from({ length: 40 }, publishForEver));
else setInterval(() => undefined, 1_000);
