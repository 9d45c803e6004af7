import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { StartupError } from './startup-error.js';

/**
 * Makes the data directory if it is missing.
 * @throws StartupError if the directory cannot be made or written.
 */
export function prepareDataDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new StartupError(`DATA_DIR ${directory} cannot be written: ${(error as Error).message}`);
  }
}

/** Warns if users other than the owner can read or write the directory. Mounted volumes often have such a mode. */
export function warnOfWideDirectory(directory: string): void {
  const stats = statSync(directory);
  const mode = stats.mode & 0o777;
  // Group root can reach everything anyway. The container image gives it the directory, because a scheduler may choose
  // any user id.
  if ((mode & (stats.gid === 0 ? 0o007 : 0o077)) === 0) return;
  new Logger('DataDirectory').warn(
    `DATA_DIR ${directory} has mode 0${mode.toString(8)}: other users of this machine can reach what lies in it. ` +
      'The service keeps its own files at 0600; make the directory 0700',
  );
}
