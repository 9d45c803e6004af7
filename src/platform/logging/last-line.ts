import { readLogFormat } from '../config/load-configuration.js';
import { AppLogger, logFormatFor } from './app-logger.js';

/**
 * Says how a process ended that may never have had a logger: plain text for people, a record where the log is read by
 * machines. It asks for the format alone, because the rest of the configuration may be what is wrong.
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
