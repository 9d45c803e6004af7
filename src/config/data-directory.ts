import { accessSync, constants, mkdirSync } from 'node:fs';
import { StartupError } from './startup-error.js';

/**
 * Makes the data directory where it is missing.
 * @throws StartupError when it cannot be made or written.
 */
export function prepareDataDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    accessSync(directory, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new StartupError(`DATA_DIR ${directory} cannot be written: ${(error as Error).message}`);
  }
}
