import { readLogFormat } from '../config/load-configuration.js';
import { AppLogger, logFormatFor } from './app-logger.js';

/**
 * Writes how a process ended, which may never have had a logger: plain text in the pretty format, a record in json. It
 * reads only the format, because the rest of the configuration may be wrong.
 */
export function writeLastLine(event: string, message: string, failed: boolean): void {
  if (logFormatFor(readLogFormat()) === 'pretty') {
    (failed ? process.stderr : process.stdout).write(`${message}\n`);
    return;
  }
  const logger = new AppLogger({ logLevel: 'info', logFormat: 'json' });
  if (failed) logger.fatal({ message, event });
  else logger.log({ message, event });
}
