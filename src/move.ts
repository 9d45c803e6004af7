import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { explainCommand } from './app/command-error.js';
import { withMoveSource } from './infrastructure/journal/move-source.js';
import { withMoveTarget } from './infrastructure/mysql/move-target.js';
import { mysqlSettings } from './infrastructure/mysql/mysql.module.js';
import { giveMoveUp, moveInstallation } from './infrastructure/sql/move/move-installation.js';
import { loadConfiguration } from './platform/config/load-configuration.js';

const USAGE = 'usage: npm run move -- --from DATA_DIR [--to mysql://user:password@host:port/database] [--give-up]';

/** Moves an embedded installation to the database of the distributed profile. Neither of them may run. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { from: { type: 'string' }, to: { type: 'string' }, 'give-up': { type: 'boolean', default: false } },
  });
  const { from, to } = values;
  if (from === undefined || from === '') throw new TypeError('--from is missing');
  // Every user of the machine can read arguments, so the URL may come from the environment or from a file instead.
  const given = to === undefined ? {} : { DATABASE_URL: to, DATABASE_URL_FILE: undefined };
  const { config } = loadConfiguration(undefined, { PROFILE: 'embedded', DATA_DIR: from, ...given });
  const { databaseUrl } = config;
  if (databaseUrl === undefined) throw new TypeError('--to is missing, and DATABASE_URL is not set');
  // Each failure is thrown and printed. A line of the log would say it twice.
  Logger.overrideLogger(false);
  const report = (line: string): void => void process.stdout.write(`${line}\n`);
  await withMoveSource(from, (source) =>
    withMoveTarget(mysqlSettings({ ...config, databaseUrl }), config.migrateOnStart, async (target) => {
      if (values['give-up']) {
        await giveMoveUp(source, target);
        report(`${source.address} may be started again; drop ${target.address}, which holds a part of it`);
      } else {
        await moveInstallation(source, target, report);
        report(`moved: start PROFILE=distributed with ${target.address}; ${source.address} starts no more`);
      }
    }),
  );
}

main().catch((error: unknown) => {
  process.stderr.write(`${explainCommand(error, USAGE)}\n`);
  process.exit(1);
});
