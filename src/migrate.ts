import { migrate } from './infrastructure/mysql/mysql-migrator.js';
import { mysqlSettings } from './infrastructure/mysql/mysql.module.js';
import { loadConfiguration } from './platform/config/load-configuration.js';
import { ConfigurationError } from './platform/config/startup-error.js';
import { AppLogger } from './platform/logging/app-logger.js';
import { writeLastLine } from './platform/logging/last-line.js';

/** Updates the schema of the distributed profile once, for deployments that set MIGRATE_ON_START=false. */
async function main(): Promise<string> {
  const { config, origin, warnings } = loadConfiguration();
  const logger = new AppLogger(config);
  logger.log(origin, 'Configuration');
  for (const warning of warnings) logger.warn(warning, 'Configuration');
  if (!config.isDistributed()) return 'nothing to do: the embedded profile migrates its file when it starts';
  const run = await migrate(mysqlSettings(config));
  return run.length === 0 ? 'the schema is up to date' : `migrated: ${run.join(', ')}`;
}

main().then(
  (outcome) => {
    writeLastLine('service.migrated', outcome, false);
    process.exit(0);
  },
  (error: unknown) => {
    const { message } = error as Error;
    const explained = error instanceof ConfigurationError ? message : `not migrated: ${message}`;
    writeLastLine('service.failed', explained, true);
    process.exit(1);
  },
);
