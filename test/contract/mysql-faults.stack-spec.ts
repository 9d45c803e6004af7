import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { MariadbServer } from '../../stack/mariadb-server.js';
import { freePort } from '../../stack/server-process.js';
import { MysqlDatabase } from '../../src/infrastructure/database/mysql/mysql-database.js';
import { migrate } from '../../src/infrastructure/database/mysql/mysql-migrator.js';
import { MYSQL_DEFAULTS, type MysqlSettings } from '../../src/infrastructure/database/mysql/mysql-settings.js';
import { type UnitOfWork } from '../../src/persistence/database.js';
import { eventually } from '../support/eventually.js';

/** Shorter than in production: a test waits for it. */
const CALL_MS = 1_000;

describe('a MariaDB that fails', () => {
  let server: MariadbServer;
  const open: MysqlDatabase[] = [];

  beforeEach(async () => {
    server = await MariadbServer.start();
  }, 60_000);
  afterEach(async () => {
    await Promise.all(open.splice(0).map((database) => database.onApplicationShutdown()));
    await server.kill();
  }, 60_000);

  const settings = (over: Partial<MysqlSettings> = {}): MysqlSettings => ({
    ...MYSQL_DEFAULTS,
    url: server.url,
    ssl: false,
    callMs: CALL_MS,
    ...over,
  });
  const connect = async (over: Partial<MysqlSettings> = {}, migrateOnStart = true) => {
    const database = new MysqlDatabase(settings(over), migrateOnStart);
    open.push(database);
    await database.onModuleInit();
    return database;
  };
  const administer = async (...statements: string[]): Promise<RowDataPacket[]> => {
    const connection = await createConnection({ uri: server.url });
    try {
      let rows: RowDataPacket[] = [];
      for (const statement of statements) rows = (await connection.query<RowDataPacket[]>(statement))[0];
      return rows;
    } finally {
      await connection.end();
    }
  };
  const write = (database: MysqlDatabase) => database.transaction((unit) => unit.gate.lockExclusive());
  const kindOf = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: unknown) => String((error as { kind?: string }).kind),
    );
  const campaign = { id: 'c', name: 'n', total: 5, startsAt: 0, endsAt: null, state: 'OPEN' } as const;
  const sessions = async () =>
    (await administer('SHOW PROCESSLIST')).filter(({ db, Command }) => db === 'coupon' && Command !== 'Query').length;

  it('costs a call its connection when it is frozen, and no more than that', async () => {
    const database = await connect();
    await Promise.all(Array.from({ length: 10 }, () => database.read((unit) => unit.now())));
    server.pause();
    const started = performance.now();
    const outcomes = await Promise.all([
      ...Array.from({ length: 20 }, () => kindOf(write(database))),
      ...Array.from({ length: 20 }, () => kindOf(database.read((unit) => unit.now()))),
    ]);
    // The wait for a connection and the call itself, and what a busy machine adds.
    expect(performance.now() - started).toBeLessThan(2 * CALL_MS + 1_500);
    expect(new Set(outcomes)).toEqual(new Set(['infrastructure']));
    server.resume();
    await eventually(() => write(database), 20_000);
    await Promise.all(Array.from({ length: 40 }, () => eventually(() => write(database))));
    await Promise.all(Array.from({ length: 40 }, () => database.read((unit) => unit.now())));
    const { connections, readConnections } = MYSQL_DEFAULTS;
    await eventually(async () => expect(await sessions()).toBeLessThanOrEqual(connections + readConnections));
  }, 60_000);

  it('rejects what was under way when it is killed, and answers again when it is back', async () => {
    const database = await connect();
    const running = Promise.all(
      Array.from({ length: 10 }, async () => {
        for (let n = 0; n < 1_000; n++) {
          const kind = await kindOf(write(database));
          if (kind !== 'done') return kind;
        }
        return 'done';
      }),
    );
    await server.kill();
    expect(new Set(await running)).toEqual(new Set(['infrastructure']));
    await server.start();
    await eventually(() => write(database), 20_000);
  }, 60_000);

  it('may be away when the process starts, which joins and migrates when it comes', async () => {
    const port = await freePort();
    const late = await MariadbServer.on({ port });
    const database = await connect({ url: late.url });
    expect(await kindOf(database.read((unit) => unit.gate.read()))).toBe('infrastructure');
    await late.start();
    try {
      await eventually(
        async () => expect(await database.read((unit) => unit.gate.read())).toMatchObject({ epoch: 0 }),
        20_000,
      );
    } finally {
      await late.kill();
    }
  }, 60_000);

  it('is migrated once by ten who try at the same time, and has every constraint then', async () => {
    const runs = await Promise.all(Array.from({ length: 10 }, () => migrate(settings())));
    expect(runs.filter((names) => names.length > 0)).toEqual([['InitialSchema1764000000000']]);
    expect(await migrate(settings())).toEqual([]);
    const text = async (table: string) => String((await administer(`SHOW CREATE TABLE ${table}`))[0]?.['Create Table']);
    expect(await text('campaigns')).toMatch(/CONSTRAINT `campaigns_never_oversold` CHECK/);
    const coupons = await text('coupons');
    expect(coupons).toMatch(/UNIQUE KEY `coupons_one_per_user` \(`campaign_id`,`user_id`\)/);
    expect(coupons).toMatch(/UNIQUE KEY `coupons_one_per_claim` \(`claim_id`\)/);
    for (const column of ['campaign_id', 'user_id', 'claim_id']) {
      expect(coupons).toMatch(
        new RegExp(`\`${column}\` varchar\\(\\d+\\) CHARACTER SET ascii COLLATE ascii_bin NOT NULL`),
      );
    }
    expect(await text('failed_events')).toMatch(/KEY `failed_events_due`/);
  }, 60_000);

  it('is migrated from the start again when a migration was killed half way', async () => {
    await migrate(settings());
    await administer('DROP TABLE admin_audit, failed_events', 'DELETE FROM migrations');
    expect(await migrate(settings())).toEqual(['InitialSchema1764000000000']);
    expect(await administer('SELECT COUNT(*) AS rows_there FROM gate')).toMatchObject([{ rows_there: 1 }]);
  }, 60_000);

  it('is waited for while its schema is behind and the deployment migrates', async () => {
    const database = await connect({}, false);
    expect(await kindOf(database.read((unit) => unit.gate.read()))).toBe('infrastructure');
    await migrate(settings());
    await eventually(() => database.read((unit) => unit.gate.read()));
  }, 60_000);

  it.each([
    ['is read-only', ['SET GLOBAL read_only = 1'], ['SET GLOBAL read_only = 0']],
    ['has another password', ["ALTER USER 'coupon'@'127.0.0.1' IDENTIFIED BY 'other'"], undefined],
    ['has lost a table', ['RENAME TABLE campaigns TO away'], ['RENAME TABLE away TO campaigns']],
  ])(
    'answers infrastructure while it %s, and works afterwards',
    async (_what, breakIt, mendIt) => {
      // An administrator who is not kept out by what is done to the service.
      const root = await createConnection({ uri: server.url });
      const ordinary = new URL(server.url);
      ordinary.username = 'limited';
      ordinary.password = 'p@ss:w/ord';
      await root.query("CREATE USER 'limited'@'127.0.0.1' IDENTIFIED BY 'p@ss:w/ord'");
      await root.query("GRANT ALL ON coupon.* TO 'limited'@'127.0.0.1'");
      try {
        const database = await connect({ url: String(ordinary), waitTimeoutS: 2 });
        const insert = () => database.transaction((unit: UnitOfWork) => unit.campaigns.insert(campaign));
        for (const sql of breakIt) await root.query(sql.replace("'coupon'@", "'limited'@"));
        // A new password is asked for with the next connection.
        await eventually(async () =>
          expect(await kindOf(insert().then(() => Promise.reject(new Error('stored'))))).not.toBe('done'),
        );
        if (mendIt === undefined) {
          await root.query("KILL USER 'limited'");
          await eventually(async () => expect(await kindOf(insert())).toBe('infrastructure'));
          await root.query("ALTER USER 'limited'@'127.0.0.1' IDENTIFIED BY 'p@ss:w/ord'");
        } else {
          expect(await kindOf(insert())).toBe('infrastructure');
          for (const sql of mendIt) await root.query(sql);
        }
        await eventually(async () => expect(['done', 'duplicate']).toContain(await kindOf(insert())), 20_000);
      } finally {
        await root.end();
      }
    },
    60_000,
  );

  it('lets a lock wait and a deadlock be tried again', async () => {
    const database = await connect({ callMs: 10_000 });
    await database.transaction((unit) => unit.campaigns.insert({ ...campaign, id: 'a' }));
    await database.transaction((unit) => unit.campaigns.insert({ ...campaign, id: 'b' }));
    const lockBoth = (first: string, second: string, met: Promise<unknown>, meet: () => void) =>
      database.transaction(async (unit) => {
        await unit.campaigns.lock([first]);
        meet();
        await met;
        await unit.campaigns.lock([second]);
      });
    let one: () => void = () => undefined;
    let two: () => void = () => undefined;
    const both = Promise.all([new Promise<void>((r) => (one = r)), new Promise<void>((r) => (two = r))]);
    const outcomes = await Promise.all([
      kindOf(lockBoth('a', 'b', both, () => one())),
      kindOf(lockBoth('b', 'a', both, () => two())),
    ]);
    expect(outcomes.sort()).toEqual(['done', 'infrastructure']);

    let holding: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (holding = resolve));
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const holder = database.transaction(async (unit) => {
      await unit.campaigns.lock(['a']);
      holding();
      await released;
    });
    await held;
    expect(await kindOf(database.transaction((unit) => unit.campaigns.lock(['a'])))).toBe('infrastructure');
    release();
    await holder;
  }, 60_000);

  it('ends sessions that are silent, which no later call notices', async () => {
    const database = await connect({ waitTimeoutS: 2 });
    await Promise.all(Array.from({ length: 20 }, () => database.read((unit) => unit.now())));
    await Promise.all(Array.from({ length: 20 }, () => write(database)));
    // Some are given up by us, and whatever is left is ended by the server.
    await eventually(async () => expect(await sessions()).toBe(0), 20_000);
    const outcomes = await Promise.all([
      ...Array.from({ length: 20 }, () => kindOf(database.read((unit) => unit.now()))),
      ...Array.from({ length: 20 }, () => kindOf(write(database))),
    ]);
    expect(new Set(outcomes)).toEqual(new Set(['done']));
  }, 60_000);

  it('has connections for single reads while every other one is held by a unit of work', async () => {
    const database = await connect();
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const holders = Array.from({ length: MYSQL_DEFAULTS.connections }, () =>
      database.transaction(async (unit) => {
        await unit.now();
        await released;
      }),
    );
    expect(await kindOf(database.transaction((unit) => unit.now()))).toBe('infrastructure');
    expect(await kindOf(database.read((unit) => unit.gate.read()))).toBe('done');
    release();
    await Promise.all(holders);
    expect(await kindOf(database.transaction((unit) => unit.now()))).toBe('done');
  }, 60_000);
});
