import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { explainCommand } from './app/command-error.js';
import { EventKeyDesk } from './app/keys/event-key-desk.js';
import { useMysqlDatabase } from './infrastructure/mysql/use-mysql-database.js';
import { mysqlSettings } from './infrastructure/mysql/mysql.module.js';
import { FileInUseError } from './infrastructure/sqlite/sqlite-connection.js';
import { useSqliteDatabase } from './infrastructure/sqlite/use-sqlite-database.js';
import { loadConfiguration } from './platform/config/load-configuration.js';
import { StartupError } from './platform/config/startup-error.js';
import { SystemEntropy } from './platform/flow/entropy.js';
import { DatabaseError } from './ports/database/database-error.js';
import { type Database } from './ports/database/database.js';
import { ROTATED_PURPOSES, type RotatedPurpose } from './ports/database/installation-key-store.js';

const USAGE = `usage: npm run rotate-event-key                        make a new key; every process signs with it within seconds
       npm run rotate-event-key -- --list
       npm run rotate-event-key -- --retire ID            what this key has signed is no claim any more
       npm run rotate-event-key -- --refuse-unsigned      for an upgrade; with --anyway also while failed events are unsigned
       npm run rotate-event-key -- --accept-unsigned      the gate is rebuilt then
       npm run rotate-event-key -- --purpose entry        the same with the keys of entry tokens; also with --list and --retire
       npm run rotate-event-key -- --purpose session      the same with the keys that seal the sessions of the console`;

const BACK_UP =
  'back the database up now: a restore to an earlier point would lose this key, and claims that it has signed with it';

const ACTIONS = ['list', 'retire', 'refuse-unsigned', 'accept-unsigned'] as const;

/**
 * The keys with which a distributed installation signs the events on its topic, and every installation its entry tokens and
 * the sessions of the console.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      purpose: { type: 'string', default: 'event' },
      list: { type: 'boolean' },
      retire: { type: 'string' },
      'refuse-unsigned': { type: 'boolean' },
      'accept-unsigned': { type: 'boolean' },
      anyway: { type: 'boolean' },
    },
  });
  const asked = ACTIONS.filter((action) => values[action] !== undefined);
  if (asked.length > 1) throw new TypeError(`--${asked.join(' and --')} are two things`);
  const { purpose } = values;
  if (!isRotated(purpose)) throw new TypeError('--purpose is event, entry or session');
  const ofEvents = asked.find((action) => purpose !== 'event' && action.endsWith('unsigned'));
  if (ofEvents !== undefined) throw new TypeError(`--${ofEvents} is for events`);
  if (values.anyway === true && values['refuse-unsigned'] !== true) {
    throw new TypeError('--anyway goes with --refuse-unsigned');
  }
  const { config } = loadConfiguration();
  if (purpose === 'event' && !config.isDistributed()) {
    throw new StartupError(
      'nothing to rotate: no other program writes to the journal of the embedded profile, so it is not signed',
    );
  }
  // Each failure is thrown and printed. A line of the log would say it twice.
  Logger.overrideLogger(false);
  const work = async (database: Database): Promise<void> => {
    const desk = new EventKeyDesk(database, new SystemEntropy(), purpose);
    if (asked.length === 0) await desk.rotate();
    if (values.retire !== undefined) await desk.retire(values.retire);
    if (values['refuse-unsigned'] === true) await desk.demandSignatures(true, { anyway: values.anyway === true });
    if (values['accept-unsigned'] === true) await desk.demandSignatures(false);
    process.stdout.write(`${(await desk.lines()).join('\n')}\n`);
    if (asked.length === 0 && purpose === 'event') process.stdout.write(`${BACK_UP}\n`);
  };
  if (config.isDistributed()) await useMysqlDatabase(mysqlSettings(config), work);
  else await useSqliteDatabase(config.dataDir, work);
}

function isRotated(purpose: string): purpose is RotatedPurpose {
  return ROTATED_PURPOSES.some((one) => one === purpose);
}

function known(error: unknown): unknown {
  if (error instanceof FileInUseError) return new StartupError(`stop the service first: ${error.message}`);
  return error instanceof DatabaseError ? new StartupError(`${error.message} (${error.code})`) : error;
}

main().catch((error: unknown) => {
  process.stderr.write(`${explainCommand(known(error), USAGE)}\n`);
  process.exit(1);
});
