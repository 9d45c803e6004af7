import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createConnection, type Connection, type RowDataPacket } from 'mysql2/promise';
import { type QueryRunner } from 'typeorm';
import { ulid } from 'ulid';
import { BY_SERVICE } from '../../../src/platform/identity/actor.js';
import { migrate } from '../../../src/infrastructure/mysql/mysql-migrator.js';
import { MysqlPool } from '../../../src/infrastructure/mysql/mysql-pool.js';
import { MYSQL_DEFAULTS, type MysqlSettings } from '../../../src/infrastructure/mysql/mysql-settings.js';
import { SCHEMA } from '../../../src/infrastructure/sql/schema.js';
import { StartupError } from '../../../src/platform/config/startup-error.js';
import { DatabaseError } from '../../../src/ports/database/database-error.js';
import { type Database, type UnitOfWork } from '../../../src/ports/database/database.js';
import { MariadbServer } from '../../../stack/mariadb-server.js';
import { freePort } from '../../../stack/server-process.js';
import { claimEvent } from '../../support/claims.js';
import { OwnMysqlDatabase } from '../../support/mysql.js';
import { until } from '../../support/until.js';

/** A password with characters that a URL, a shell or SQL would change. */
const PASSWORD = `p@ss:w/o?r#d%25 &'"\\쿠폰`;
const CONNECTIONS = MYSQL_DEFAULTS.connections + MYSQL_DEFAULTS.readConnections + MYSQL_DEFAULTS.urgentConnections;

const MIGRATIONS = SCHEMA.migrations.map(({ name }) => name);

describe('a MySQL that fails', () => {
  let server: MariadbServer;
  let name: string;
  /** A user with rights on this one database only: read-only mode and the limit of connections apply to it. */
  let user: string;
  let settings: MysqlSettings;
  let database: OwnMysqlDatabase;
  const open: OwnMysqlDatabase[] = [];
  const others: Connection[] = [];

  const administer = async <T extends RowDataPacket[]>(...statements: string[]): Promise<T> => {
    const connection = await createConnection({ uri: server.url });
    try {
      let rows: unknown;
      for (const sql of statements) [rows] = await connection.query(sql);
      return rows as T;
    } finally {
      await connection.end();
    }
  };
  /** Another program’s connection, until the test ends. */
  const connect = async (uri = server.url): Promise<Connection> => {
    const connection = await createConnection({ uri });
    others.push(connection);
    return connection;
  };
  const urlOf = (database: string, password = PASSWORD, port = server.port) =>
    `mysql://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  const make = (changes: Partial<MysqlSettings> = {}, migrateOnStart = true) => {
    const made = new OwnMysqlDatabase({ ...settings, ...changes }, migrateOnStart);
    open.push(made);
    return made;
  };
  const join = async (changes: Partial<MysqlSettings> = {}, migrateOnStart = true) => {
    const made = make(changes, migrateOnStart);
    await made.onModuleInit();
    return made;
  };
  const addCampaign = (to: Database = database, id = ulid()) =>
    to.transaction(({ campaigns }) =>
      campaigns.insert({ id, name: id, total: 1_000_000, startsAt: 0, endsAt: null, state: 'OPEN' }),
    );
  const look = (at: Database = database) => at.read(({ gate }) => gate.read());
  /** Stores one coupon as the consumer does. */
  const issue = (campaignId: string, userId = ulid(), to: Database = database) =>
    to.transaction(async (unit) => {
      await unit.gate.lockShared();
      await unit.campaigns.lock([campaignId]);
      const { claimId, sequence, claimedAt } = claimEvent();
      const claim = { campaignId, userId, claimId, sequence, claimedAt };
      await unit.coupons.insert([{ ...claim, code: ulid(), idempotencyDigest: null, createdAt: 0 }]);
      await unit.campaigns.addIssued(campaignId, 1, claimedAt);
    });
  const errorOf = async (work: Promise<unknown>): Promise<DatabaseError> => {
    const error = await work.then(
      () => new Error('nothing was refused'),
      (reason: unknown) => reason as Error,
    );
    if (!(error instanceof DatabaseError)) throw error;
    return error;
  };
  const works = (at: Database = database) =>
    look(at).then(
      () => true,
      () => false,
    );
  /** The connections of the service, as the server counts them. */
  const connections = async () => {
    const rows = await administer('SHOW PROCESSLIST');
    return rows.filter((row) => row['User'] === user).map((row) => Number(row['Id']));
  };
  const issuedAndRows = async (campaignId: string) => {
    const [row] = await administer(
      `SELECT issued, (SELECT COUNT(*) FROM ${name}.coupons WHERE campaign_id = c.id) AS counted
       FROM ${name}.campaigns c WHERE id = '${campaignId}'`,
    );
    return { issued: Number(row?.['issued']), rows: Number(row?.['counted']) };
  };

  beforeAll(async () => {
    server = await MariadbServer.start();
  });
  afterAll(() => server.kill());

  let made = 0;
  beforeEach(async () => {
    made += 1;
    name = `faults_${made}`;
    user = `app_${made}`;
    await administer(
      `CREATE DATABASE ${name}`,
      `CREATE USER '${user}'@'127.0.0.1' IDENTIFIED BY '${PASSWORD.replace(/['\\]/g, '\\$&')}'`,
      `GRANT ALL ON ${name}.* TO '${user}'@'127.0.0.1'`,
    );
    settings = { ...MYSQL_DEFAULTS, url: urlOf(name), ssl: false };
    database = await join();
  });
  afterEach(async () => {
    for (const other of others.splice(0)) other.destroy();
    await Promise.all(open.splice(0).map((each) => each.onApplicationShutdown()));
    await until('every connection is closed', async () => (await connections()).length === 0);
    await administer(`DROP DATABASE ${name}`, `DROP USER '${user}'@'127.0.0.1'`);
  });

  it('is killed while units of work run: acknowledged work is there, and none is there in part', async () => {
    const { id } = await addCampaign();
    const acknowledged: string[] = [];
    const errors: DatabaseError[] = [];
    let running = true;
    const workers = Array.from({ length: 20 }, async () => {
      while (running) {
        const userId = ulid();
        try {
          await issue(id, userId);
          acknowledged.push(userId);
        } catch (error) {
          errors.push(error as DatabaseError);
          await new Promise(setImmediate);
        }
      }
    });
    for (let kill = 0; kill < 2; kill++) {
      const before = acknowledged.length;
      await until('units of work are under way', () => acknowledged.length > before + 20);
      const refused = errors.length;
      await server.kill();
      await until('units of work are refused', () => errors.length > refused);
      await server.start();
    }
    const after = acknowledged.length;
    await until('units of work are acknowledged again', () => acknowledged.length > after + 20);
    running = false;
    await Promise.all(workers);

    for (const error of errors) expect(error).toMatchObject({ name: 'DatabaseError', kind: 'infrastructure' });
    const found = await database.read(({ coupons }) =>
      coupons.findByUsers(acknowledged.map((userId) => ({ campaignId: id, userId }))),
    );
    expect(found).toHaveLength(acknowledged.length);
    const { issued, rows } = await issuedAndRows(id);
    expect(issued).toBe(rows);
    expect((await connections()).length).toBeLessThanOrEqual(CONNECTIONS);
  }, 120_000);

  it('is frozen for 7 s: every call ends within its deadline, and every connection is back afterwards', async () => {
    const { id } = await addCampaign();
    const startedAt = performance.now();
    const tookMs: number[] = [];
    const calls: Promise<DatabaseError>[] = [];
    const call = (work: Promise<unknown>) => {
      const from = performance.now();
      calls.push(errorOf(work).finally(() => tookMs.push(performance.now() - from)));
    };
    // Some calls are under way, and more calls than connections wait.
    const inside: (() => void)[] = [];
    const frozen = new Promise<void>((resolve) => {
      for (let unit = 0; unit < 5; unit++) {
        call(
          database.transaction(async ({ campaigns, coupons }) => {
            await campaigns.find(id);
            await new Promise<void>((go) => inside.push(go));
            await coupons.count(id);
          }),
        );
      }
      void until('units of work are inside', () => inside.length === 5).then(() => resolve());
    });
    await frozen;
    server.pause();
    const stoppedAt = performance.now();
    for (const go of inside) go();
    for (let count = 0; count < 30; count++) {
      call(issue(id));
      call(look());
      call(database.snapshot(({ campaigns }) => campaigns.find(id)));
    }
    for (const error of await Promise.all(calls)) expect(error.kind).toBe('infrastructure');
    expect(Math.max(...tookMs)).toBeLessThan(MYSQL_DEFAULTS.callMs + (stoppedAt - startedAt) + 1_000);
    await until('7 s have passed', () => performance.now() - stoppedAt > 7_000, 8_000);
    server.resume();

    await until('the database answers', () => works(), 10_000);
    // As many calls at once as connections: a leaked connection would be missing.
    let entered = 0;
    let leave: () => void = () => undefined;
    const full = new Promise<void>((resolve) => (leave = resolve));
    const hold = async ({ campaigns }: UnitOfWork) => {
      await campaigns.find(id);
      if (++entered === CONNECTIONS) leave();
      await full;
    };
    await Promise.all([
      ...Array.from({ length: MYSQL_DEFAULTS.connections }, () => database.transaction(hold)),
      ...Array.from({ length: MYSQL_DEFAULTS.readConnections }, () => database.read(hold)),
      ...Array.from({ length: MYSQL_DEFAULTS.urgentConnections }, () => database.readUrgently(hold)),
    ]);
    await until('the server has let go of the rest', async () => (await connections()).length <= CONNECTIONS, 15_000);
    await issue(id);
    const { issued, rows } = await issuedAndRows(id);
    expect(issued).toBe(rows);
  }, 60_000);

  it('is frozen when the process ends: closing takes no longer than its own limit', async () => {
    await issue((await addCampaign()).id);
    const before = process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
    expect(before).toBeGreaterThan(0);
    server.pause();
    try {
      const from = performance.now();
      await database.onApplicationShutdown();
      expect(performance.now() - from).toBeLessThan(2_500);
      await until('no socket is left', () => !process.getActiveResourcesInfo().includes('TCPSocketWrap'));
      expect(await errorOf(look())).toMatchObject({ kind: 'infrastructure' });
    } finally {
      server.resume();
    }
  });

  it('is away when the process starts: it joins when the server comes, and migrates first', async () => {
    const port = await freePort();
    const late = await MariadbServer.on({ port });
    const own = make({ url: `mysql://coupon:coupon@127.0.0.1:${port}/coupon` });
    const from = performance.now();
    await own.onModuleInit();
    expect(performance.now() - from).toBeLessThan(4_000);
    expect(await errorOf(look(own))).toMatchObject({ kind: 'infrastructure', code: 'NOT_JOINED' });
    try {
      await late.start();
      await until('it has joined', () => works(own), 15_000);
      await addCampaign(own);
    } finally {
      await own.onApplicationShutdown();
      await late.kill();
    }
  }, 60_000);

  it('has an older schema: nothing is served until another process has migrated it', async () => {
    await administer(`DROP DATABASE ${name}`, `CREATE DATABASE ${name}`);
    const waiting = await join({}, false);
    expect(await errorOf(look(waiting))).toMatchObject({
      kind: 'infrastructure',
      message: expect.stringContaining('npm run migrate'),
    });
    expect(await errorOf(addCampaign(waiting))).toMatchObject({ kind: 'infrastructure' });
    expect(await administer(`SHOW TABLES FROM ${name}`)).toEqual([]);
    expect(await migrate(settings)).toEqual(MIGRATIONS);
    await until('it serves', () => works(waiting));
    expect(await migrate(settings)).toEqual([]);
  });

  it('is migrated by many at once, and by one', async () => {
    await administer(`DROP DATABASE ${name}`, `CREATE DATABASE ${name}`);
    const runs = await Promise.all(Array.from({ length: 4 }, () => migrate(settings)));
    expect(runs.filter((run) => run.length > 0)).toEqual([MIGRATIONS]);
    expect(await administer(`SELECT COUNT(*) AS count FROM ${name}.migrations`)).toEqual([
      { count: MIGRATIONS.length },
    ]);
    expect(await administer(`SELECT id, epoch FROM ${name}.gate`)).toMatchObject([{ id: 1, epoch: 0 }]);
  });

  it('loses its migrator half way: the next one gets the lock and starts again', async () => {
    await administer(
      `DROP DATABASE ${name}`,
      `CREATE DATABASE ${name}`,
      // The first migrator gets as far as the second table, which another connection has locked.
      `CREATE TABLE ${name}.coupons (id INT)`,
    );
    const blocker = await connect();
    await blocker.query(`LOCK TABLES ${name}.coupons WRITE`);
    const first = errorOf(migrate(settings));
    const stuck = await until('the first migrator is stuck', async () => {
      const rows = await administer('SHOW FULL PROCESSLIST');
      return rows.find((row) => row['User'] === user && String(row['Info']).includes('CREATE TABLE'));
    });
    const second = migrate(settings);
    await administer(`KILL ${String(stuck?.['Id'])}`);
    expect(await first).toMatchObject({ kind: 'infrastructure' });
    await blocker.query(`DROP TABLE ${name}.coupons`);
    await blocker.end();
    expect(await second).toEqual(MIGRATIONS);
    expect(await administer(`SELECT COUNT(*) AS count FROM ${name}.gate`)).toEqual([{ count: 1 }]);
  }, 60_000);

  it('ends a start that waits for the migration lock as soon as the process stops', async () => {
    await administer(`DROP DATABASE ${name}`, `CREATE DATABASE ${name}`);
    const other = await connect(urlOf(name));
    await other.query("SELECT GET_LOCK(CONCAT('coupon.migrations.', MD5(DATABASE())), 0)");
    const waiting = await join();
    const from = performance.now();
    await waiting.onApplicationShutdown();
    expect(performance.now() - from).toBeLessThan(3_000);
    await other.end();
    expect(await administer(`SHOW TABLES FROM ${name}`)).toEqual([]);
  });

  it('is read-only for a while: writing is infrastructure, reading goes on', async () => {
    const { id } = await addCampaign();
    await administer('SET GLOBAL read_only = 1');
    try {
      expect(await errorOf(issue(id))).toMatchObject({ kind: 'infrastructure' });
      expect((await look()).epoch).toBe(0);
    } finally {
      await administer('SET GLOBAL read_only = 0');
    }
    await issue(id);
  });

  it('has no connection left: that is infrastructure, and the pool uses the ones it has', async () => {
    const { id } = await addCampaign();
    const [row] = await administer('SELECT @@max_connections AS most');
    await administer('SET GLOBAL max_connections = 12');
    try {
      for (;;) {
        if ((await connect(urlOf(name)).catch(() => null)) === null) break;
      }
      const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => issue(id)));
      const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
      for (const error of refused) expect(error).toMatchObject({ kind: 'infrastructure', code: 'ER_CON_COUNT_ERROR' });
      expect(refused.length).toBeGreaterThan(0);
      expect(refused.length).toBeLessThan(10);
      await issue(id);
    } finally {
      for (const other of others.splice(0)) other.destroy();
      await administer(`SET GLOBAL max_connections = ${Number(row?.['most'])}`);
    }
    await until('the server has room again', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => issue(id)));
      return outcomes.every(({ status }) => status === 'fulfilled');
    });
  });

  it('refuses our password for a while: that is infrastructure, with two log lines', async () => {
    const { id } = await addCampaign();
    const lines: string[] = [];
    const line = (message: unknown) => void lines.push(String(message));
    Logger.overrideLogger({ log: line, warn: line, error: line });
    try {
      await administer(`ALTER USER '${user}'@'127.0.0.1' IDENTIFIED BY 'another'`);
      await administer(...(await connections()).map((connection) => `KILL ${connection}`));
      await until('it is refused', async () => {
        const outcome = await issue(id).catch((error: unknown) => error as DatabaseError);
        if (outcome !== undefined) expect(outcome.kind).toBe('infrastructure');
        return outcome?.code === 'ER_ACCESS_DENIED_ERROR';
      });
      for (let call = 0; call < 200; call++) expect((await errorOf(look())).kind).toBe('infrastructure');
      const [row] = await administer("SHOW GLOBAL STATUS LIKE 'Access_denied_errors'");
      await administer(`ALTER USER '${user}'@'127.0.0.1' IDENTIFIED BY '${PASSWORD.replace(/['\\]/g, '\\$&')}'`);
      await until('it works again', () => works());
      await issue(id);
      // Between two attempts the server is not asked, so 200 refused calls are few attempts.
      expect(Number(row?.['Value'])).toBeLessThan(40);
      expect(lines).toEqual([
        expect.stringMatching(/^no connection to the database: ER_ACCESS_DENIED_ERROR/),
        expect.stringMatching(/^connected to the database again, after [\d.]+ s$/),
      ]);
      expect(lines.join()).not.toContain(PASSWORD);
    } finally {
      Logger.overrideLogger(false);
    }
  });

  it('has lost a table for a while', async () => {
    const { id } = await addCampaign();
    await administer(`RENAME TABLE ${name}.coupons TO ${name}.coupons_away`);
    expect(await errorOf(issue(id))).toMatchObject({ kind: 'infrastructure', code: 'ER_NO_SUCH_TABLE' });
    await administer(`RENAME TABLE ${name}.coupons_away TO ${name}.coupons`);
    await issue(id);
  });

  it('lets a call wait at most 3 s for a lock', async () => {
    const { id } = await addCampaign();
    const holder = await connect();
    await holder.beginTransaction();
    await holder.query(`SELECT * FROM ${name}.campaigns WHERE id = '${id}' FOR UPDATE`);
    const from = performance.now();
    expect(await errorOf(issue(id))).toMatchObject({ kind: 'infrastructure', code: 'ER_LOCK_WAIT_TIMEOUT' });
    expect(performance.now() - from).toBeLessThan(5_000);
    await holder.rollback();
    await holder.query(`LOCK TABLES ${name}.campaigns WRITE`);
    expect(await errorOf(issue(id))).toMatchObject({ kind: 'infrastructure', code: 'ER_LOCK_WAIT_TIMEOUT' });
    await holder.end();
    await issue(id);
    expect(await issuedAndRows(id)).toEqual({ issued: 1, rows: 1 });
  });

  it('refuses a COMMIT: that is infrastructure, whatever the error, because each row was accepted before', async () => {
    const pool = await MysqlPool.connect(settings, 1);
    try {
      // An XA transaction cannot be ended by a plain COMMIT: XAER_RMFAIL, which is in no list.
      const work = (runner: QueryRunner) => runner.query('SELECT COUNT(*) FROM coupons');
      expect(await errorOf(pool.transaction(['XA START "ours"'], work))).toMatchObject({
        kind: 'infrastructure',
        code: 'ER_XAER_RMFAIL',
      });
      expect(await pool.transaction(['START TRANSACTION'], work)).toHaveLength(1);
    } finally {
      await pool.close();
    }
  });

  it('ends our transaction in a deadlock: nothing of the unit of work is kept, also if its work goes on', async () => {
    const [a, b] = [await addCampaign(), await addCampaign()];
    const other = await connect();
    await other.beginTransaction();
    // The server ends the transaction with fewer changes.
    await other.query(`UPDATE ${name}.campaigns SET name = REPEAT('x', 100) WHERE id = '${b.id}'`);
    await other.query(
      `INSERT INTO ${name}.admin_audit (action, subject, detail, created_at) SELECT 'x', 'x', 'x', 0 FROM ${name}.gate, ` +
        '(SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) AS many',
    );
    let swallowed: DatabaseError | undefined;
    const unit = errorOf(
      database.transaction(async (unit) => {
        await unit.campaigns.update(a.id, { name: 'before' }, 2);
        swallowed = await errorOf(unit.campaigns.lock([b.id]));
        await unit.campaigns.update(a.id, { name: 'after' }, 3).catch(() => undefined);
        await unit.audit
          .record({ action: 'after', subject: a.id, campaignId: null, by: BY_SERVICE, detail: {} })
          .catch(() => undefined);
      }),
    );
    await until('the unit of work waits', async () => {
      const rows = await administer('SHOW FULL PROCESSLIST');
      return rows.some((row) => row['User'] === user && String(row['Info']).endsWith('FOR UPDATE'));
    });
    await other.query(`SELECT * FROM ${name}.campaigns WHERE id = '${a.id}' FOR UPDATE`);
    expect(await unit).toMatchObject({ kind: 'infrastructure', code: 'ER_LOCK_DEADLOCK' });
    expect(swallowed).toMatchObject({ kind: 'infrastructure', code: 'ER_LOCK_DEADLOCK' });
    await other.rollback();
    await other.end();
    expect(await database.read(({ campaigns }) => campaigns.find(a.id))).toMatchObject({ version: 1, name: a.id });
    expect(await administer(`SELECT * FROM ${name}.admin_audit WHERE action = 'after'`)).toEqual([]);
  });

  it('ends connections that are idle for longer than wait_timeout, and no call fails', async () => {
    const short = await join({ waitTimeoutS: 1 });
    const everyConnection = () =>
      Promise.all([
        ...Array.from({ length: 10 }, () => short.transaction((unit) => unit.gate.lockShared())),
        ...Array.from({ length: 10 }, () => look(short)),
      ]);
    await database.onApplicationShutdown();
    for (let round = 0; round < 3; round++) {
      await everyConnection();
      await until('the idle connections are gone', async () => (await connections()).length === 0, 10_000);
    }
    await everyConnection();
  }, 60_000);

  it('ends idle connections that the pool still holds, and no call fails', async () => {
    // The pool’s own eviction comes too late here: the server waits 1 s, the pool half an hour.
    const pool = await MysqlPool.connect({ ...settings, waitTimeoutS: 3_600 }, 3);
    const use = () => Promise.all([1, 2, 3].map(() => pool.exclusive((runner) => runner.query('SELECT 1'))));
    try {
      for (let round = 0; round < 3; round++) {
        await Promise.all(
          [1, 2, 3].map(() => pool.exclusive((runner) => runner.query('SET SESSION wait_timeout = 1'))),
        );
        await database.onApplicationShutdown();
        await until('the server has ended them', async () => (await connections()).length === 0, 10_000);
        await use();
      }
    } finally {
      await pool.close();
    }
  }, 60_000);

  it('gives every connection the same session settings', async () => {
    const pool = await MysqlPool.connect(settings, 3);
    try {
      let inside = 0;
      let leave: () => void = () => undefined;
      const all = new Promise<void>((resolve) => (leave = resolve));
      const rows = await Promise.all(
        [1, 2, 3].map(() =>
          pool.exclusive(async (runner) => {
            const [row] = (await runner.query(
              'SELECT @@time_zone AS zone, @@wait_timeout AS idle, @@innodb_lock_wait_timeout AS lockWait, ' +
                '@@lock_wait_timeout AS tableWait, @@tx_isolation AS level, @@autocommit AS autocommit, ' +
                '@@sql_mode AS mode, @@character_set_client AS charset, @@max_statement_time AS most',
            )) as Record<string, unknown>[];
            if (++inside === 3) leave();
            await all;
            return row;
          }),
        ),
      );
      for (const row of rows) {
        expect(row).toMatchObject({ zone: '+00:00', level: 'READ-COMMITTED', charset: 'utf8mb4' });
        expect([row?.['idle'], row?.['lockWait'], row?.['tableWait'], row?.['autocommit']].map(Number)).toEqual([
          10, 3, 3, 1,
        ]);
        expect(Number(row?.['most'])).toBe(6);
        expect(row?.['mode']).toContain('STRICT_TRANS_TABLES');
        expect(row?.['mode']).not.toContain('NO_BACKSLASH_ESCAPES');
      }
    } finally {
      await pool.close();
    }
  });

  it('is read immediately while every other connection is held', async () => {
    let leave: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (leave = resolve));
    let inside = 0;
    const holders = Array.from({ length: 10 }, () =>
      database.transaction(async (unit) => {
        await unit.gate.lockShared();
        inside += 1;
        await held;
      }),
    );
    await until('every connection is held', () => inside === 10);
    const waiting = database.transaction((unit) => unit.gate.read());
    for (let beat = 0; beat < 10; beat++) {
      const from = performance.now();
      await look();
      expect(performance.now() - from).toBeLessThan(800);
    }
    leave();
    await Promise.all(holders);
    await waiting;
  });

  it('lets no call wait for a connection for longer than a call may take', async () => {
    const impatient = await join({ connections: 1, callMs: 700 });
    let leave: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (leave = resolve));
    const holder = impatient.transaction(async (unit) => {
      await unit.gate.read();
      await held;
    });
    const from = performance.now();
    expect(await errorOf(impatient.transaction((unit) => unit.gate.read()))).toMatchObject({
      kind: 'infrastructure',
      code: 'POOL_TIMEOUT',
    });
    expect(performance.now() - from).toBeLessThan(1_500);
    leave();
    await holder;
    await impatient.transaction((unit) => unit.gate.read());
  });

  it('cannot be used with a password that is not percent-encoded', async () => {
    const broken = () => make({ url: `mysql://${user}:100%secret@127.0.0.1:${server.port}/${name}` });
    expect(broken).toThrow(StartupError);
    expect(broken).toThrow(/DATABASE_URL(?!.*secret)/);
  });

  it('has the constraints, keys and collations that the promises need', async () => {
    const definition = async (table: string) => {
      const [row] = await administer(`SHOW CREATE TABLE ${name}.${table}`);
      return String(row?.['Create Table']).replaceAll('`', '');
    };
    const campaigns = await definition('campaigns');
    expect(campaigns).toMatch(/CHECK \(issued >= 0 and issued <= total\)/);
    expect(campaigns).toContain('KEY campaigns_newest (created_at,id)');
    expect(campaigns).toMatch(/name varchar\(200\) CHARACTER SET utf8mb4/);
    const coupons = await definition('coupons');
    expect(coupons).toContain('UNIQUE KEY coupons_one_per_user (campaign_id,user_id)');
    expect(coupons).toContain('UNIQUE KEY coupons_one_per_claim (claim_id)');
    expect(coupons).toContain('UNIQUE KEY coupons_code (code)');
    expect(coupons).toContain('FOREIGN KEY (campaign_id) REFERENCES campaigns (id)');
    expect(coupons).toContain('KEY coupons_of_user (user_id,id)');
    const failedEvents = await definition('failed_events');
    expect(failedEvents).toContain('UNIQUE KEY failed_events_once (dedupe_key)');
    for (const key of ['failed_events_due', 'failed_events_of_claim', 'failed_events_of_user']) {
      expect(failedEvents).toContain(`KEY ${key} `);
    }
    expect(await definition('gate_cuts')).toContain('PRIMARY KEY (epoch,log_partition)');
    for (const table of [campaigns, coupons, failedEvents]) expect(table).toContain('ENGINE=InnoDB');

    const identifiers = await administer(
      `SELECT table_name AS t, column_name AS c, collation_name AS collation FROM information_schema.columns
       WHERE table_schema = '${name}' AND (column_name LIKE '%user_id' OR column_name LIKE '%claim_id'
         OR column_name LIKE '%campaign_id' OR column_name IN ('dedupe_key', 'code')
         OR (table_name = 'campaigns' AND column_name = 'id'))`,
    );
    expect(identifiers.length).toBeGreaterThanOrEqual(9);
    for (const column of identifiers) expect(column).toMatchObject({ collation: 'ascii_bin' });
  });

  it('reads the gate row while every connection for reads is taken and others wait for one', async () => {
    const reads = MYSQL_DEFAULTS.readConnections;
    let holding = 0;
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    const slow = Array.from({ length: 3 * reads }, () =>
      database.read(async (unit) => {
        await unit.now();
        holding += 1;
        await held;
      }),
    );
    await until('they are all taken', () => holding === reads);
    expect(await database.readUrgently(({ gate }) => gate.read())).toMatchObject({ epoch: expect.any(Number) });
    expect(holding).toBe(reads);
    letGo();
    await Promise.all(slow);
  });

  it('leases, counts and finds failed events with statements that do not become longer with the table', async () => {
    const { id: campaignId } = await addCampaign();
    const { id: another } = await addCampaign();
    // Most of them are due: what a long outage of the log leaves behind. Ids lie on both sides of what one statement looks at.
    await administer(
      `INSERT INTO ${name}.failed_events (id, dedupe_key, claim_id, campaign_id, user_id, sequence, claimed_at, epoch, source, status,
         error_class, error_code, error_message, attempts, max_attempts, next_attempt_at, version,
         created_at, updated_at)
       SELECT IF(seq < 500, seq, 19500 + seq), LPAD(seq, 26, '0'), LPAD(seq, 26, '0'), IF(seq = 500, '${another}', '${campaignId}'), CONCAT('u', seq), seq, 1, 1, 'API',
         ELT(1 + seq % 4, 'RESOLVED', 'PENDING', 'REPUBLISHED', 'PENDING'), 'unpublished', 'log-away', '', 0, 12,
         seq, 1, 1, 1 FROM seq_1_to_1000`,
    );
    const locked = database.transaction(async ({ failedEvents }) => {
      const mine = await failedEvents.lease('one', 10, 60_000, null);
      // The other instance gets the rows that the first one did not lease.
      const others = await database.transaction((unit) => unit.failedEvents.lease('another', 10, 60_000, null));
      return [mine, others].map((rows) => rows.map(({ claim }) => claim?.sequence));
    });
    expect(await locked).toEqual([
      [1, 3, 5, 7, 9, 11, 13, 15, 17, 19],
      [21, 23, 25, 27, 29, 31, 33, 35, 37, 39],
    ]);

    await database.snapshot(async ({ failedEvents }) => {
      expect(await failedEvents.highestSequences([campaignId, another, 'nothing'])).toEqual(
        new Map([
          [campaignId, 1_000],
          [another, 500],
        ]),
      );
      const found: number[] = [];
      for (let after = 0; ;) {
        const page = await failedEvents.openClaimsAfter(after, 70);
        found.push(...page.map(({ claim }) => claim.sequence));
        if (page.length < 70) break;
        after = page.at(-1)?.id ?? 0;
      }
      expect(found).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1).filter((n) => n % 4 !== 0));
    });
  });
});
