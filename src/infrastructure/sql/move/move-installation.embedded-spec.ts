import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { BY_SERVICE } from '../../../platform/identity/actor.js';
import { claimEvent } from '../../../../test/support/claims.js';
import { openFile, openJournal, storeCampaign } from '../../../../test/support/embedded.js';
import { StartupError } from '../../../platform/config/startup-error.js';
import { withMoveSource } from '../../journal/move-source.js';
import { assertNotMoved } from '../../sqlite/assert-not-moved.js';
import { SqliteConnection } from '../../sqlite/sqlite-connection.js';
import { SqliteDataSource } from '../../sqlite/sqlite-data-source.js';
import { SqliteDatabase } from '../../sqlite/sqlite-database.js';
import { SqlSession } from '../sql-session.js';
import { type MoveEnd } from './move-end.js';
import { giveMoveUp, moveInstallation, type MoveSource } from './move-installation.js';
import { copiedTables } from './moved-tables.js';

/** More than one page of a table. */
const COUPONS = 2_500;
const EPOCH = 1_764_000_000;

/** The process of the move ends here. */
class Killed extends Error {}

/** Both ends are files here; test/adapters/mysql/move.stack-spec.ts moves to a server. */
describe('moveInstallation', () => {
  let root: string;
  let from: string;
  let target: MoveEnd & { close(): Promise<void> };

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'coupon-move-'));
    from = join(root, 'from');
    mkdirSync(from);
    target = await openTarget('to');
  });
  afterEach(async () => {
    await target.close();
    rmSync(root, { recursive: true, force: true });
  });

  async function openTarget(name: string) {
    const dataSource = new SqliteDataSource(join(root, name));
    const connection = await SqliteConnection.open(dataSource);
    return {
      address: name,
      dataSource,
      run: <T>(work: (sql: SqlSession) => Promise<T>) => connection.exclusive((runner) => work(new SqlSession(runner))),
      transaction: <T>(work: (sql: SqlSession) => Promise<T>) =>
        connection.transaction((runner) => work(new SqlSession(runner))),
      close: async () => {
        if (dataSource.isInitialized) await dataSource.destroy();
      },
    };
  }

  /** An installation with coupons, a claim that only the journal holds, and one that the retry has published. */
  async function fillSource(): Promise<void> {
    const { connection, close } = await openFile(from);
    const database = new SqliteDatabase(connection);
    await storeCampaign({ database }, { id: 'default', total: 10_000 });
    await database.transaction(async (unit) => {
      await unit.gate.beginEpoch('test', EPOCH, 10_000);
      await unit.gate.open(EPOCH, 'fence');
      const coupons = [...Array(COUPONS).keys()].map((n) => ({
        ...claimEvent({ userId: `u${n}`, sequence: n + 1 }),
        code: `CODE-${n}`,
        createdAt: 1_764_000_000_000 + n,
      }));
      await unit.coupons.insert(coupons);
      await unit.campaigns.addIssued('default', COUPONS, 1_764_000_000_000);
      await unit.audit.record({
        action: 'campaign.pause',
        subject: 'default',
        campaignId: 'default',
        by: BY_SERVICE,
        detail: { ü: '한국어' },
      });
      const republished = claimEvent({ userId: 'republished', epoch: EPOCH });
      const failure = { errorClass: 'unpublished', errorCode: 'x', errorMessage: 'y' };
      await unit.failedEvents.addUnpublished([{ claim: republished, source: 'API', failure }]);
      const [leased] = await unit.failedEvents.lease('retry', 10, 1_000, null);
      await unit.failedEvents.finishLease('retry', [leased?.id ?? 0], { kind: 'published' });
    });
    await openJournal(connection).publish(claimEvent({ userId: 'waiting', epoch: EPOCH, claimId: ulid() }));
    await close();
  }

  const lines: string[] = [];
  const move = (wrapSource = (source: MoveSource) => source, wrapTarget = (end: MoveEnd) => end) =>
    withMoveSource(from, (source) =>
      moveInstallation(wrapSource(source), wrapTarget(target), (line) => void lines.push(line)),
    );
  const rowsOf = (end: MoveEnd, sql: string) => end.run((session) => session.select<Record<string, unknown>>(sql));
  const sourceRows = (sql: string) => withMoveSource(from, (source) => rowsOf(source, sql));
  /** Everything that is copied, as both have it. */
  const contents = async (end: MoveEnd) => {
    const tables = copiedTables(end.dataSource);
    return Promise.all(tables.map(({ name, key }) => rowsOf(end, `SELECT * FROM ${name} ORDER BY ${key}`)));
  };
  const startsOnSource = async () => {
    const dataSource = new SqliteDataSource(from);
    await assertNotMoved(await SqliteConnection.open(dataSource), dataSource);
    await dataSource.destroy();
  };
  const gateOf = async (end: MoveEnd) => (await rowsOf(end, 'SELECT id, epoch, script_sha, builder FROM gate'))[0];
  const stateOf = async (end: MoveEnd) => (await rowsOf(end, 'SELECT state FROM moves'))[0]?.['state'];

  it('copies every table, with a closed gate above the epoch of the source', async () => {
    await fillSource();
    await move();
    const copied = await contents(target);
    await withMoveSource(from, async (source) => expect(await contents(source)).toEqual(copied));
    expect(await rowsOf(target, 'SELECT COUNT(*) AS n FROM coupons')).toEqual([{ n: COUPONS }]);
    expect(await gateOf(target)).toEqual({ id: 1, epoch: EPOCH + 1, script_sha: null, builder: null });
    expect(lines).toContainEqual(expect.stringMatching(/^coupons: 2500 rows, the same in both, sha256 [0-9a-f]{64}$/));
  });

  it('takes the name of the installation and its secrets along', async () => {
    await fillSource();
    const identity = [
      'SELECT installation_id FROM gate',
      'SELECT purpose, secret, created_at, retired_at FROM installation_keys ORDER BY id',
    ];
    const before = await Promise.all(identity.map((sql) => rowsOf(target, sql)));
    await move();
    const source = [await sourceRows(identity[0] ?? ''), await sourceRows(identity[1] ?? '')];
    expect(await Promise.all(identity.map((sql) => rowsOf(target, sql)))).toEqual(source);
    expect(source).not.toEqual(before);
  });

  it('makes failed events of what only the journal holds, and has the retry publish again what it sent there', async () => {
    await fillSource();
    await move();
    const failed = await rowsOf(target, 'SELECT user_id, status, epoch FROM failed_events ORDER BY user_id');
    expect(failed).toEqual([
      { user_id: 'republished', status: 'PENDING', epoch: EPOCH },
      { user_id: 'waiting', status: 'PENDING', epoch: EPOCH },
    ]);
  });

  it('leaves a source on which nothing starts, and says where it went; repeated, it changes nothing', async () => {
    await fillSource();
    await startsOnSource();
    await move();
    const copied = await contents(target);
    const gate = await gateOf(target);
    await expect(startsOnSource()).rejects.toThrow(/from was moved to to at 2\d{3}-.*: run PROFILE=distributed/);
    const marks = await rowsOf(target, 'SELECT * FROM moves');
    await move();
    expect(await contents(target)).toEqual(copied);
    expect([await gateOf(target), await rowsOf(target, 'SELECT * FROM moves')]).toEqual([gate, marks]);
    const other = await openTarget('another');
    await expect(withMoveSource(from, (source) => moveInstallation(source, other, () => undefined))).rejects.toThrow(
      /was moved to to at/,
    );
    await other.close();
  });

  it('ends with the same rows wherever it was killed, and lets nothing start on half of it', async () => {
    await fillSource();
    /** Counts calls of both ends; the call with this number is the last of its process. */
    let calls = 0;
    let last = 0;
    const passing = <T>(work: () => Promise<T>): Promise<T> => {
      calls += 1;
      return calls >= last ? Promise.reject(new Killed()) : work();
    };
    const killed = <E extends MoveEnd>(end: E): E => ({
      ...end,
      run: (work) => passing(() => end.run(work)),
      transaction: (work) => passing(() => end.transaction(work)),
    });
    const settling = (source: MoveSource): MoveSource => ({
      ...killed(source),
      settleJournal: () => passing(() => source.settleJournal()),
    });
    const seen = new Set<string>();
    for (let moved = false; !moved;) {
      last += 1;
      calls = 0;
      moved = await move(settling, killed).then(
        () => true,
        (error: unknown) => {
          if (error instanceof Killed) return false;
          throw error;
        },
      );
      const there = await stateOf(target);
      const [left] = await sourceRows('SELECT state FROM moves');
      seen.add(`${String(left?.['state'])} ${String(there)}`);
      // The service needs row 1.
      expect((await gateOf(target))?.['id']).toBe(there === 'MOVING' ? 0 : 1);
      if (left === undefined) await startsOnSource();
      else await expect(startsOnSource()).rejects.toThrow(StartupError);
    }
    expect([...seen]).toEqual([
      'undefined undefined',
      'MOVING undefined',
      'MOVING MOVING',
      'MOVING MOVED',
      'MOVED MOVED',
    ]);
    const copied = await contents(target);
    await withMoveSource(from, async (source) => expect(await contents(source)).toEqual(copied));
    expect(await rowsOf(target, 'SELECT COUNT(*) AS n FROM failed_events')).toEqual([{ n: 2 }]);
  });

  it('notices a row that differs, and moves nothing then', async () => {
    await fillSource();
    const spoiling = (end: MoveEnd): MoveEnd => ({
      ...end,
      run: async (work) => {
        const result = await end.run(work);
        await end.run((sql) => sql.execute("UPDATE coupons SET code = 'OTHER' WHERE id = 1700"));
        return result;
      },
    });
    await expect(move(undefined, spoiling)).rejects.toThrow(
      /the copy of coupons differs at id 1700: .*Nothing is moved/,
    );
    expect(await stateOf(target)).toBe('MOVING');
  });

  it.each([
    ['a campaign', (end: MoveEnd) => storeRow(end), /to is in use: campaigns has rows/],
    [
      'an epoch',
      (end: MoveEnd) => end.run((sql) => sql.execute('UPDATE gate SET epoch = 5')),
      /to is in use: a service has opened its gate/,
    ],
    [
      'a schema of a later version',
      (end: MoveEnd) => end.run((sql) => sql.execute("INSERT INTO migrations (timestamp, name) VALUES (9, 'Later9')")),
      /to belongs to a later version \(Later9\)/,
    ],
  ])('refuses a target with %s, and leaves the source as it was', async (_what, spoil, message) => {
    await fillSource();
    await spoil(target);
    await expect(move()).rejects.toThrow(message);
    await startsOnSource();
  });

  it('refuses a target that a service takes in this moment, and leaves the source as it was', async () => {
    await fillSource();
    const racing = (end: MoveEnd): MoveEnd => ({
      ...end,
      transaction: async (work) => {
        await end.run((sql) => sql.execute('UPDATE gate SET epoch = 5'));
        return end.transaction(work);
      },
    });
    await expect(move(undefined, racing)).rejects.toThrow(/a service has begun to work on it/);
    await startsOnSource();
  });

  it('refuses a target that holds another installation, and another target than the one it began with', async () => {
    await fillSource();
    const stopping = (end: MoveEnd): MoveEnd => ({ ...end, transaction: () => Promise.reject(new Killed()) });
    await expect(move(undefined, stopping)).rejects.toThrow(Killed);
    const other = await openTarget('another');
    await expect(withMoveSource(from, (source) => moveInstallation(source, other, () => undefined))).rejects.toThrow(
      /is being moved to to since .*: repeat npm run move until it ends/,
    );
    await other.close();
    await move();
    from = join(root, 'second');
    mkdirSync(from);
    await fillSource();
    await expect(move()).rejects.toThrow(/to holds the installation of .*from, since/);
    await startsOnSource();
  });

  it('says what the target refused, and goes on there once that is mended', async () => {
    await fillSource();
    const full =
      "CREATE TRIGGER full BEFORE INSERT ON coupons WHEN NEW.id > 1500 BEGIN SELECT RAISE(FAIL, 'disk full'); END";
    await target.run((sql) => sql.execute(full));
    await expect(move()).rejects.toThrow(
      /the target refuses rows of coupons, id 1001 to 2000: .*disk full.*goes on where/,
    );
    await target.run((sql) => sql.execute('DROP TRIGGER full'));
    await move();
    expect(await rowsOf(target, 'SELECT COUNT(*) AS n FROM coupons')).toEqual([{ n: COUPONS }]);
  });

  it('can be given up until the target has the installation', async () => {
    await fillSource();
    const giveUp = () => withMoveSource(from, (source) => giveMoveUp(source, target));
    await expect(giveUp()).rejects.toThrow(/is not being moved/);
    const unsettled = (source: MoveSource): MoveSource => ({
      ...source,
      settleJournal: () => Promise.reject(new Killed()),
    });
    await expect(move(unsettled)).rejects.toThrow(Killed);
    await expect(startsOnSource()).rejects.toThrow(StartupError);
    await giveUp();
    await startsOnSource();
    expect((await gateOf(target))?.['id']).toBe(0);
    await expect(move()).rejects.toThrow(/to holds a part of the installation of/);

    await target.close();
    target = await openTarget('new');
    await move();
    await expect(giveUp()).rejects.toThrow(/was moved to new/);
  });

  it('refuses what is no data directory, or one that a process holds', async () => {
    const nowhere = from;
    from = join(root, 'missing');
    await expect(move()).rejects.toThrow(/missing does not exist/);
    from = nowhere;
    await expect(move()).rejects.toThrow(/from has no coupon\.sqlite/);
    await fillSource();
    const { close } = await openFile(from);
    await expect(move()).rejects.toThrow(/is in use by another instance/);
    await close();
  });

  async function storeRow(end: MoveEnd): Promise<void> {
    await end.run((sql) =>
      sql.execute(
        'INSERT INTO campaigns (id, name, total, starts_at, state, version, created_at, updated_at) ' +
          "VALUES ('x', 'x', 1, 0, 'OPEN', 1, 0, 0)",
      ),
    );
  }
});
