import { afterEach, describe, expect, it } from '@jest/globals';
import { MYSQL_DEFAULTS } from '../../../src/infrastructure/mysql/mysql-settings.js';
import { MariadbServer } from '../../../stack/mariadb-server.js';
import { eventually } from '../../support/eventually.js';
import { OwnMysqlDatabase } from '../../support/mysql.js';
import { until } from '../../support/until.js';

const PATIENCE_MS = 30_000;

describe('a database that answers a commit before the disk has it', () => {
  let server: MariadbServer | undefined;
  let database: OwnMysqlDatabase;
  let risks: string[];

  afterEach(async () => {
    await database.onApplicationShutdown();
    await server?.stop();
  }, 60_000);

  const open = (url: string) => {
    risks = [];
    database = new OwnMysqlDatabase({ ...MYSQL_DEFAULTS, url, ssl: false }, true, (risk, finding) => {
      risks.push(`${risk}: ${finding}`);
    });
    return database.onModuleInit();
  };
  const serves = () => eventually(() => database.read(({ gate }) => gate.read()), PATIENCE_MS);

  it.each([
    ['its own log', ['--innodb-flush-log-at-trx-commit=2'], ['innodb_flush_log_at_trx_commit=2']],
    ['its own log at all', ['--innodb-flush-log-at-trx-commit=0'], ['innodb_flush_log_at_trx_commit=0']],
    ['the binary log', ['--log-bin=binlog', '--server-id=1', '--sync-binlog=0'], ['sync_binlog=0']],
  ])(
    'is warned about if it does not sync %s',
    async (_what, args, settings) => {
      server = await MariadbServer.start({ args });
      await open(server.serviceUrl);
      await serves();
      await until('it is told of', () => risks.length > 0, PATIENCE_MS);
      expect(risks).toEqual([expect.stringContaining(`unsynced-commit: the database answers a commit before`)]);
      for (const setting of settings) expect(risks[0]).toContain(setting);
    },
    90_000,
  );

  it('is warned about also if it comes later, and once, however often it is connected again', async () => {
    server = await MariadbServer.on({ args: ['--innodb-flush-log-at-trx-commit=2'] });
    await open(server.serviceUrl);
    expect(risks).toEqual([]);
    await server.start();
    await serves();
    await until('it is told of', () => risks.length > 0, PATIENCE_MS);
    await server.kill();
    await server.start();
    await serves();
    expect(risks).toHaveLength(1);
  }, 90_000);

  it('is not warned about if it syncs', async () => {
    server = await MariadbServer.start({ args: ['--log-bin=binlog', '--server-id=1', '--sync-binlog=1'] });
    await open(server.serviceUrl);
    await serves();
    expect(risks).toEqual([]);
  }, 90_000);
});
