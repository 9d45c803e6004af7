import { type AppConfig } from '../../platform/config/env.js';
import { adminUrlOf } from '../../platform/config/service-url.js';
import { StartupError } from '../../platform/config/startup-error.js';
import { commandToken } from '../../platform/identity/service-call.js';
import { type KeyDesk } from './key-desk.js';
import { RemoteKeyDesk } from './remote-key-desk.js';
import { StoredKeyDesk } from './stored-key-desk.js';

/** What the command line says about the place. */
export interface KeyDeskChoice {
  readonly url: string | undefined;
  readonly tokenFile: string | undefined;
}

/**
 * Runs `work` where the keys are: at the service with this URL; else in the database of this configuration; and where a
 * running embedded service holds its file, at that service.
 *
 * The file is tried first. What answers at an address that is only assumed may be another program, and would get the
 * token.
 * @throws StartupError, DatabaseError
 */
export async function useKeyDesk<T>(
  config: AppConfig,
  { url, tokenFile }: KeyDeskChoice,
  work: (desk: KeyDesk) => Promise<T>,
): Promise<T> {
  if (url !== undefined) return work(new RemoteKeyDesk(url, tokenOf(config, tokenFile)));
  if (config.isDistributed()) {
    const { mysqlSettings } = await import('../../infrastructure/mysql/mysql.module.js');
    const { useMysqlDatabase } = await import('../../infrastructure/mysql/use-mysql-database.js');
    return useMysqlDatabase(mysqlSettings(config), (database) => work(new StoredKeyDesk(database, 'the database')));
  }
  const { FileInUseError } = await import('../../infrastructure/sqlite/sqlite-connection.js');
  const { useSqliteDatabase } = await import('../../infrastructure/sqlite/use-sqlite-database.js');
  try {
    return await useSqliteDatabase(config.dataDir, (database) => work(new StoredKeyDesk(database, config.dataDir)));
  } catch (error) {
    if (!(error instanceof FileInUseError)) throw error;
  }
  return work(new RemoteKeyDesk(adminUrlOf(config), tokenOf(config, tokenFile)));
}

function tokenOf(config: AppConfig, file: string | undefined): string {
  const token = commandToken(config, file);
  if (token !== undefined) return token;
  throw new StartupError('no token: name a file that holds one with --token-file, or set ADMIN_TOKEN');
}
