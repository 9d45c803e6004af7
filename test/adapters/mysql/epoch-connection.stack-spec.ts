import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { MYSQL_DEFAULTS } from '../../../src/infrastructure/mysql/mysql-settings.js';
import { DatabaseError } from '../../../src/ports/database/database-error.js';
import { MariadbServer } from '../../../stack/mariadb-server.js';
import { INSTALLATION } from '../../support/claims.js';
import { OwnMysqlDatabase } from '../../support/mysql.js';
import { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';

/** What the watch waits for a read at most, ms: a claim gives it up even earlier. */
const CLAIM_WAITS_MS = 500;

Logger.overrideLogger(false);

describe('the read of the open epoch', () => {
  let server: MariadbServer;
  let proxy: TcpProxy;
  let database: OwnMysqlDatabase;

  const administer = async (sql: string): Promise<RowDataPacket[]> => {
    const connection = await createConnection({ uri: server.url });
    try {
      return (await connection.query<RowDataPacket[]>(sql))[0];
    } finally {
      await connection.end();
    }
  };
  const setRow = (epoch: number, fence: string | null) =>
    administer(`UPDATE gate SET epoch = ${epoch}, script_sha = ${fence === null ? 'NULL' : `'${fence}'`}`);
  /** Connections of the service's user: the administrator's are not among them. */
  const sessions = async () => {
    const rows = await administer('SHOW PROCESSLIST');
    return rows.filter((row) => row['User'] === 'service').map((row) => Number(row['Id']));
  };

  beforeAll(async () => {
    server = await MariadbServer.start();
  });
  afterAll(() => server.kill());

  beforeEach(async () => {
    proxy = await TcpProxy.to(server.port);
    const url = server.serviceUrl.replace(`:${server.port}/`, `:${proxy.port}/`);
    database = new OwnMysqlDatabase({ ...MYSQL_DEFAULTS, url, ssl: false }, true);
    await database.onModuleInit();
    await setRow(10, 'fence');
    expect(await database.readEpoch()).toMatchObject({ epoch: 10, fence: 'fence' });
  });
  afterEach(async () => {
    await database.onApplicationShutdown();
    await proxy.close();
  });

  it('shows each change that was committed before it', async () => {
    await setRow(11, null);
    expect(await database.readEpoch()).toMatchObject({ epoch: 11, fence: null });
    await setRow(11, 'next');
    expect(await database.readEpoch()).toMatchObject({ epoch: 11, fence: 'next' });
  });

  it('keeps one connection, also for many reads at once', async () => {
    const before = await sessions();
    for (let round = 0; round < 20; round++) await Promise.all([1, 2, 3].map(() => database.readEpoch()));
    expect((await sessions()).sort()).toEqual(before.sort());
  });

  it('finds the server that has ended all sessions, as those of a host that stood still', async () => {
    for (const id of await sessions()) await administer(`KILL ${id}`);
    await until('the sessions are gone', async () => (await sessions()).length === 0);
    await setRow(11, null);
    await expect(database.readEpoch()).resolves.toMatchObject({ epoch: 11, fence: null });
  });

  it('finds the server also when the old connections swallow everything', async () => {
    proxy.leadNew(server.port, { silenceOld: true });
    await setRow(11, null);
    const from = performance.now();
    expect(await database.readEpoch()).toMatchObject({ epoch: 11, fence: null });
    expect(performance.now() - from).toBeLessThan(CLAIM_WAITS_MS);
    // The new connection is the one that is kept.
    const again = performance.now();
    await database.readEpoch();
    expect(performance.now() - again).toBeLessThan(150);
  });

  it('fails when a new connection fails too, and succeeds again when one succeeds', async () => {
    proxy.set('cut');
    await expect(database.readEpoch()).rejects.toThrow();
    proxy.set('pass');
    await until('the database answers', () =>
      database.readEpoch().then(
        () => true,
        () => false,
      ),
    );
  });

  it('collects no connections while the server is frozen', async () => {
    const connecting = () => process.getActiveResourcesInfo().filter((one) => one === 'TCPSocketWrap').length;
    const before = connecting();
    server.pause();
    const reads = Array.from({ length: 10 }, () => database.readEpoch());
    try {
      // Each connection through the proxy has two sockets in this process.
      await until('a second connection is asked', () => connecting() > before);
      expect(connecting()).toBeLessThanOrEqual(before + 3);
    } finally {
      server.resume();
    }
    await Promise.all(reads);
    expect(await database.readEpoch()).toMatchObject({ epoch: 10, fence: 'fence' });
  });

  it('says that the row is missing', async () => {
    await administer('DELETE FROM gate');
    try {
      const error = await database.readEpoch().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DatabaseError);
      expect(error).toMatchObject({ kind: 'infrastructure', code: 'GATE_ROW_MISSING' });
    } finally {
      await administer(`INSERT INTO gate (id, epoch, installation_id) VALUES (1, 0, '${INSTALLATION}')`);
    }
  });
});
