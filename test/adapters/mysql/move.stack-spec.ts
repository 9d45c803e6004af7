import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { SqliteDatabase } from '../../../src/infrastructure/sqlite/sqlite-database.js';
import { freePort } from '../../../stack/server-process.js';
import { type Backend, openBackend } from '../../support/backend.js';
import { openTestDatabase } from '../../support/test-database.js';
import { claimEvent } from '../../support/claims.js';
import { Client, inParallel } from '../../support/client.js';
import { openFile } from '../../support/embedded.js';
import { eventually } from '../../support/eventually.js';
import { ServiceProcess } from '../../support/service-process.js';
import { ADMIN_TOKEN } from '../../support/service.js';
import { until } from '../../support/until.js';

const MOVE = resolve('dist/move.js');
const MAIN = resolve('dist/main.js');
/** So many that a kill finds the copy half way. */
const OLDER_COUPONS = 30_000;

/** Needs the built service. */
describe('npm run move', () => {
  let backend: Backend;
  let root: string;
  let from: string;
  let port: number;
  let client: Client;
  const started: ServiceProcess[] = [];

  beforeEach(async () => {
    backend = await openBackend();
    root = mkdtempSync(join(tmpdir(), 'coupon-move-'));
    from = join(root, 'data');
    port = await freePort();
    client = new Client(`http://127.0.0.1:${port}`).withFreshConnections();
  });
  afterEach(async () => {
    for (const process of started.splice(0)) await process.end('SIGKILL');
    await backend.remove();
    rmSync(root, { recursive: true, force: true });
  });

  const to = () => backend.ownersDatabase ?? '';
  const spawn = (env: Record<string, string>, script: string, ...args: string[]) => {
    const process = ServiceProcess.spawn({ PORT: String(port), ADMIN_TOKEN, ...env }, [script, ...args]);
    started.push(process);
    return process;
  };
  /** Runs a process to its end, for one that is to refuse. */
  const outcome = async (process: ServiceProcess) => ({ code: await process.exit(), text: process.text });
  const move = (...args: string[]) => spawn({}, MOVE, '--from', from, '--to', to(), ...args);
  const embedded = (env: Record<string, string> = {}) =>
    spawn({ DATA_DIR: from, DEFAULT_CAMPAIGN_TOTAL: '100000', ...env }, MAIN);
  const distributed = () => spawn({ ...backend.env }, MAIN);
  const ready = () =>
    eventually(async () => expect((await client.get('/health/ready')).body).toMatchObject({ status: 'ok' }));
  const rows = async (sql: string): Promise<RowDataPacket[]> => {
    const connection = await createConnection({ uri: to() });
    try {
      return (await connection.query<RowDataPacket[]>(sql))[0];
    } finally {
      await connection.end();
    }
  };
  const couponsThere = async () =>
    Number((await rows('SELECT COUNT(*) AS n FROM coupons').catch(() => []))[0]?.['n'] ?? 0);
  const statusOf = async (user: string) => (await client.admin('GET', `/api/campaigns/default/claims/${user}`)).body;

  /** Coupons of an earlier time, in a campaign that is over. */
  const addOlderCoupons = async () => {
    const { connection, close } = await openFile(from);
    const database = new SqliteDatabase(connection);
    await database.transaction(async (unit) => {
      const campaign = { id: 'older', name: '지난 행사', total: OLDER_COUPONS, startsAt: 0, endsAt: 1 };
      await unit.campaigns.insert({ ...campaign, state: 'CLOSED' });
      const coupons = [...Array(OLDER_COUPONS).keys()].map((n) => ({
        ...claimEvent({ campaignId: 'older', userId: `older-${n}`, sequence: n + 1 }),
        code: `OLDER-${n}`,
        createdAt: 1_764_000_000_000,
      }));
      await unit.coupons.insert(coupons);
      await unit.campaigns.addIssued('older', OLDER_COUPONS, 1_764_000_000_000);
    });
    await close();
  };

  it('moves an installation, also when it is killed in between: every winner keeps the code, every claim its place', async () => {
    const first = embedded();
    await first.printed(/listening on http/);
    const winners = [...Array(30).keys()].map((n) => `winner-${n}`);
    await inParallel(winners, 10, async (user) => expect((await client.claim(user)).status).toBe(202));
    await eventually(async () => expect(await client.audit('default')).toMatchObject({ rows: 30, pending: 0 }));
    const held = await outcome(move());
    expect(held).toEqual({ code: 1, text: expect.stringMatching(/^DATA_DIR .* is in use by another instance.*\n$/) });
    await first.end('SIGTERM');
    // Nothing consumes, so these claims are only in the journal.
    const second = embedded({ ROLES: 'api' });
    await second.printed(/listening on http/);
    const waiting = [...Array(12).keys()].map((n) => `waiting-${n}`);
    await inParallel(waiting, 4, async (user) => expect((await client.claim(user)).status).toBe(202));
    const before = await inParallel([...winners, ...waiting], 10, async (user) => ({
      user,
      status: await statusOf(user),
    }));
    await second.end('SIGKILL');
    await addOlderCoupons();

    const killed = move();
    const some = await until('a part is copied', async () => (await couponsThere()) || null);
    expect(await killed.end('SIGKILL')).toBe(null);
    expect(some).toBeLessThan(OLDER_COUPONS);
    expect(await rows('SELECT state FROM moves')).toEqual([{ state: 'MOVING' }]);
    expect(await outcome(embedded())).toEqual({
      code: 1,
      text: expect.stringMatching(/DATA_DIR .* is being moved to mysql:\/\/127\.0\.0\.1:.*: repeat npm run move/),
    });
    const half = await outcome(distributed());
    expect(half).toEqual({ code: 1, text: expect.stringMatching(/DATABASE_URL: it holds a part of .*data: repeat/) });

    const killedLater = move();
    await killedLater.printed(/^coupons: copied$/m);
    await killedLater.end('SIGKILL');

    expect(await outcome(move())).toMatchObject({
      code: 0,
      text: expect.stringMatching(
        /^coupons: 30030 rows, the same in both, sha256 .*moved: start PROFILE=distributed/ms,
      ),
    });
    expect(await outcome(move())).toMatchObject({ code: 0, text: expect.stringMatching(/^moved: /) });
    expect(await outcome(embedded())).toEqual({
      code: 1,
      text: expect.stringMatching(/DATA_DIR .* was moved to mysql:\/\/127\.0\.0\.1:/),
    });
    expect(`${killed.text}${killedLater.text}`).not.toContain(`:${new URL(to()).password}@`);

    const service = distributed();
    await ready();
    await eventually(async () =>
      expect(await client.audit('default')).toMatchObject({ rows: 42, pending: 0, drift: 0 }),
    );
    for (const { user, status } of before) {
      const { claimId, sequence, claimedAt } = status;
      expect(await statusOf(user)).toMatchObject({ status: 'ISSUED', claimId, sequence, claimedAt });
      if (status.code !== undefined) expect(await statusOf(user)).toMatchObject({ code: status.code });
    }
    expect((await client.claim('winner-3')).body.code).toBe('already-claimed');
    const late = await client.claim('late');
    expect(late.status).toBe(202);
    expect(late.body.sequence).toBeGreaterThan(42);
    expect(await client.audit('older')).toMatchObject({ rows: OLDER_COUPONS, issued: OLDER_COUPONS, drift: 0 });
    await service.end('SIGTERM');
  });

  it('says in one line what is wrong, and begins nothing', async () => {
    await addOlderCoupons();
    const elsewhere = new URL(to());
    elsewhere.pathname = '/no_such_database';
    const calls: [string[], RegExp][] = [
      [[], /--from is missing\nusage: npm run move/],
      [['--from', from], /--to is missing, and DATABASE_URL is not set\nusage/],
      [['--from', from, '--to', 'postgres://a:b@c/d'], /^DATABASE_URL: expected mysql:/],
      [['--from', join(root, 'none'), '--to', to()], /^.*none does not exist\n$/],
      [['--from', MOVE, '--to', to()], /^.*move\.js is no directory\n$/],
      [['--from', root, '--to', to()], /^.* has no coupon\.sqlite\n$/],
      [['--from', from, '--to', elsewhere.href], /^mysql:\/\/.*: Unknown database 'no_such_database'.*\n$/],
      [
        ['--from', from, '--to', `mysql://u:secret-word@127.0.0.1:${await freePort()}/x`],
        /^mysql:\/\/127.*ECONNREFUSED.*\n$/,
      ],
    ];
    for (const [args, message] of calls) {
      const { code, text } = await outcome(spawn({}, MOVE, ...args));
      expect([code, text]).toEqual([1, expect.stringMatching(message)]);
      expect(text).not.toMatch(/secret-word|\n\s+at /);
    }
    const empty = await openTestDatabase();
    const unmigrated = await outcome(spawn({ MIGRATE_ON_START: 'false' }, MOVE, '--from', from, '--to', empty.url));
    await empty.drop();
    expect(unmigrated).toEqual({ code: 1, text: expect.stringMatching(/the schema is behind by .*npm run migrate/) });

    const service = distributed();
    await ready();
    expect(await outcome(move())).toEqual({
      code: 1,
      text: expect.stringMatching(/ is in use: .*needs a new database/),
    });
    await service.end('SIGTERM');
    const still = embedded();
    await still.printed(/listening on http/);
  });
});
