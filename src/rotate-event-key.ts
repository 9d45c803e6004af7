import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { explainCommand } from './app/command-error.js';
import { EventKeyDesk } from './app/keys/event-key-desk.js';
import { useMysqlDatabase } from './infrastructure/mysql/use-mysql-database.js';
import { mysqlSettings } from './infrastructure/mysql/mysql.module.js';
import { loadConfiguration } from './platform/config/load-configuration.js';
import { StartupError } from './platform/config/startup-error.js';
import { SystemEntropy } from './platform/flow/entropy.js';
import { DatabaseError } from './ports/database/database-error.js';

const USAGE = `usage: npm run rotate-event-key                        make a new key; every process signs with it within seconds
       npm run rotate-event-key -- --list
       npm run rotate-event-key -- --retire ID            what this key has signed is no claim any more
       npm run rotate-event-key -- --refuse-unsigned      or --accept-unsigned, for an upgrade`;

const ACTIONS = ['list', 'retire', 'refuse-unsigned', 'accept-unsigned'] as const;

/** The keys with which a distributed installation signs the events on its topic. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      list: { type: 'boolean' },
      retire: { type: 'string' },
      'refuse-unsigned': { type: 'boolean' },
      'accept-unsigned': { type: 'boolean' },
    },
  });
  const asked = ACTIONS.filter((action) => values[action] !== undefined);
  if (asked.length > 1) throw new TypeError(`--${asked.join(' and --')} are two things`);
  const { config } = loadConfiguration();
  if (!config.isDistributed()) {
    throw new StartupError(
      'nothing to rotate: no other program writes to the journal of the embedded profile, so it is not signed',
    );
  }
  // Each failure is thrown and printed. A line of the log would say it twice.
  Logger.overrideLogger(false);
  await useMysqlDatabase(mysqlSettings(config), async (database) => {
    const desk = new EventKeyDesk(database, new SystemEntropy());
    if (asked.length === 0) await desk.rotate();
    if (values.retire !== undefined) await desk.retire(values.retire);
    if (values['refuse-unsigned'] === true) await desk.demandSignatures(true);
    if (values['accept-unsigned'] === true) await desk.demandSignatures(false);
    process.stdout.write(`${(await desk.lines()).join('\n')}\n`);
  });
}

main().catch((error: unknown) => {
  const known = error instanceof DatabaseError ? new StartupError(`${error.message} (${error.code})`) : error;
  process.stderr.write(`${explainCommand(known, USAGE)}\n`);
  process.exit(1);
});
