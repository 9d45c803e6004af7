import { type DynamicModule, Module } from '@nestjs/common';
import { type AppConfig } from '../../../config/env.js';
import { warnOfRisk } from '../../../config/risks.js';
import { Database } from '../../../persistence/database.js';
import { MysqlDatabase } from './mysql-database.js';
import { MYSQL_DEFAULTS, type MysqlSettings } from './mysql-settings.js';

type DatabaseConfig = Pick<AppConfig, 'databaseSsl' | 'migrateOnStart' | 'allowInsecure' | 'http'> & {
  readonly databaseUrl: string;
};

/** Connections for what claims themselves have to read: they must not stand behind callers who read. */
const OWN_READS = 2;

/** What the environment says of the database. */
export function mysqlSettings({
  databaseUrl,
  databaseSsl,
  http,
}: Pick<DatabaseConfig, 'databaseUrl' | 'databaseSsl' | 'http'>): MysqlSettings {
  return { ...MYSQL_DEFAULTS, url: databaseUrl, ssl: databaseSsl, readConnections: http.readConcurrency + OWN_READS };
}

/** The database on MySQL or MariaDB. */
@Module({})
export class MysqlModule {
  static for(config: DatabaseConfig): DynamicModule {
    return {
      module: MysqlModule,
      providers: [
        {
          provide: Database,
          useFactory: () =>
            new MysqlDatabase(mysqlSettings(config), config.migrateOnStart, (risk, finding) =>
              warnOfRisk(config, risk, finding),
            ),
        },
      ],
      exports: [Database],
    };
  }
}
