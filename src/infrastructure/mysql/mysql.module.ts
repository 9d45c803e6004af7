import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { type AppConfig } from '../../platform/config/env.js';
import { warnOfRisk } from '../../platform/config/risks.js';
import { Database } from '../../ports/database/database.js';
import { MysqlDataSource, POOL_SIZES, type PoolName } from './mysql-data-source.js';
import { MysqlDatabase } from './mysql-database.js';
import { MysqlPools } from './mysql-pools.js';
import { MYSQL_DEFAULTS, type MysqlSettings } from './mysql-settings.js';

type DatabaseConfig = Pick<AppConfig, 'databaseSsl' | 'migrateOnStart' | 'allowInsecure' | 'http'> & {
  readonly databaseUrl: string;
};

/** Connections for the reads of claims themselves: they must not stand behind callers who read. */
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
    const settings = mysqlSettings(config);
    return {
      module: MysqlModule,
      imports: [dataSource('writes', settings), dataSource('reads', settings), dataSource('urgentReads', settings)],
      providers: [
        MysqlPools,
        {
          provide: Database,
          useFactory: (pools: MysqlPools) =>
            new MysqlDatabase(pools, config.migrateOnStart, (risk, finding) => warnOfRisk(config, risk, finding)),
          inject: [MysqlPools],
        },
      ],
      exports: [Database],
    };
  }
}

/** Makes the data source without a server. `MysqlDatabase` joins it when one is there. */
function dataSource(name: PoolName, settings: MysqlSettings): DynamicModule {
  return TypeOrmModule.forRootAsync({
    name,
    // Nest must not try again: what cannot be made now cannot be made three seconds later either.
    useFactory: () => ({ type: 'mysql', manualInitialization: true, toRetry: () => false }),
    dataSourceFactory: async () => new MysqlDataSource(settings, POOL_SIZES[name](settings)),
  });
}
