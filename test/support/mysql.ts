import { MysqlDataSource, POOL_SIZES, type PoolName } from '../../src/infrastructure/mysql/mysql-data-source.js';
import { MysqlDatabase } from '../../src/infrastructure/mysql/mysql-database.js';
import { MysqlPools } from '../../src/infrastructure/mysql/mysql-pools.js';
import { type MysqlSettings } from '../../src/infrastructure/mysql/mysql-settings.js';
import { type Risk } from '../../src/platform/config/risks.js';

/** The database without Nest. Closing it destroys the data sources, as Nest does. */
export class OwnMysqlDatabase extends MysqlDatabase {
  private readonly sources: readonly MysqlDataSource[];

  constructor(settings: MysqlSettings, migrateOnStart: boolean, warnOfRisk?: (risk: Risk, finding: string) => void) {
    const source = (name: PoolName) => new MysqlDataSource(settings, POOL_SIZES[name](settings));
    const [writes, reads, urgentReads] = [source('writes'), source('reads'), source('urgentReads')];
    super(new MysqlPools(writes, reads, urgentReads), migrateOnStart, warnOfRisk);
    this.sources = [writes, reads, urgentReads];
  }

  override async onApplicationShutdown(): Promise<void> {
    await super.onApplicationShutdown();
    for (const source of this.sources) if (source.isInitialized) await source.destroy();
  }
}
