import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeClaimEvent } from '../../../src/domain/claim.js';
import { JournalClaimLog } from '../../../src/infrastructure/journal/journal-claim-log.js';
import { type SqliteConnection } from '../../../src/infrastructure/sqlite/sqlite-connection.js';
import { SQLITE_FILE } from '../../../src/infrastructure/sqlite/sqlite-data-source.js';
import { StartupError } from '../../../src/platform/config/startup-error.js';
import { type ClaimLog, ClaimLogUnavailableError, ClaimLogUnconfirmedError } from '../../../src/ports/log/claim-log.js';
import { type Child, startChild } from '../../support/child-process.js';
import { claimEvent } from '../../support/claims.js';
import {
  type EmbeddedStack,
  openEmbeddedStack,
  openFile,
  type OpenFile,
  openJournal,
  storeCampaign,
} from '../../support/embedded.js';
import { until } from '../../support/until.js';

const PUBLISHER = new URL('../../children/publish-claims.ts', import.meta.url);

async function refusal(directory: string): Promise<Error> {
  return openFile(directory).then(
    () => new Error('it was opened'),
    (error: unknown) => error as Error,
  );
}

async function claimIdsIn(log: ClaimLog): Promise<Set<string>> {
  const claimIds = new Set<string>();
  for await (const page of log.read(await log.startOffsets(), await log.endOffsets())) {
    for (const { value } of page) {
      const decoded = decodeClaimEvent(value);
      if (decoded.kind === 'claim') claimIds.add(decoded.event.claimId);
    }
  }
  return claimIds;
}

describe('SqliteConnection', () => {
  let directory: string;
  let child: Child | undefined;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-'));
  });
  afterEach(async () => {
    await child?.kill('SIGKILL');
    child = undefined;
    rmSync(directory, { recursive: true, force: true });
  });

  const openChild = async (mode: 'hold' | 'publish'): Promise<Child> => {
    const started = startChild(PUBLISHER, [directory, mode]);
    child = started;
    await until('the child has opened the file', () => {
      if (started.process.exitCode !== null) throw new Error(started.errors());
      return started.lines().includes('open');
    });
    return started;
  };

  it('refuses a directory that another process holds, and takes it over after that process was killed', async () => {
    const holder = await openChild('hold');
    const error = await refusal(directory);
    expect(error).toBeInstanceOf(StartupError);
    expect(error.message).toContain('in use by another instance');
    await holder.kill('SIGKILL');
    const { close } = await openFile(directory);
    await close();
  });

  it('lets sockets and timers in during a long series of statements', async () => {
    const { connection, close } = await openFile(directory);
    const count =
      'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT COUNT(*) FROM n';
    let turns = 0;
    let waiting = setImmediate(function turn() {
      turns += 1;
      waiting = setImmediate(turn);
    });
    const series: Record<string, () => Promise<unknown>> = {
      reads: () => connection.exclusive((runner) => runner.query(count)),
      transaction: () =>
        connection.transaction(async (runner) => {
          for (let statement = 0; statement < 100; statement++) await runner.query(count);
        }),
    };
    try {
      for (const [name, work] of Object.entries(series)) {
        turns = 0;
        const end = performance.now() + 300;
        while (performance.now() < end) await work();
        // 300 ms are 37 budgets of 8 ms; a machine that stalls takes several of them at once.
        expect([name, turns > 5]).toEqual([name, true]);
      }
    } finally {
      clearImmediate(waiting);
      await close();
    }
  });

  it('refuses a directory that cannot be made', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    for (const impossible of [file, join(file, 'below'), '/dev/null/data']) {
      const error = await refusal(impossible);
      expect(error).toBeInstanceOf(StartupError);
      expect(error.message).toContain(impossible);
    }
  });

  it('refuses a file that is not a database, and leaves it as it was', async () => {
    const file = join(directory, SQLITE_FILE);
    const content = 'not a database, but somebody’s only copy of it\n'.repeat(200);
    writeFileSync(file, content);
    const error = await refusal(directory);
    expect(error).toBeInstanceOf(StartupError);
    expect(error.message).toContain(SQLITE_FILE);
    expect(readFileSync(file, 'utf8')).toBe(content);
  });

  it('makes the directory, and finds everything again after an orderly stop', async () => {
    const nested = join(directory, 'a', 'b');
    const first = await openFile(nested);
    const event = claimEvent();
    await openJournal(first.connection).publish(event);
    await first.close();
    const again = await openFile(nested);
    expect(await claimIdsIn(openJournal(again.connection))).toEqual(new Set([event.claimId]));
    await again.close();
  });

  it('does not write its log back into the file during a copy, and does so again afterwards', async () => {
    const { connection, close } = await openFile(directory);
    const pages = () => connection.exclusive((runner) => runner.query('PRAGMA wal_autocheckpoint'));
    const [usual] = await pages();
    const copies = mkdtempSync(join(tmpdir(), 'coupon-copies-'));
    const copying = connection.copyTo(copies);
    expect(await pages()).toEqual([{ wal_autocheckpoint: 0 }]);
    await expect(connection.copyTo(copies)).rejects.toThrow('being copied already');
    await copying;
    expect(await pages()).toEqual([usual]);
    await expect(connection.copyTo(join(copies, 'missing'))).rejects.toThrow('ENOENT');
    expect(await pages()).toEqual([usual]);

    const event = claimEvent();
    await openJournal(connection).publish(event);
    const again = connection.copyTo(copies);
    await close();
    await again;
    const restored = await openFile(copies);
    expect(await claimIdsIn(openJournal(restored.connection))).toEqual(new Set([event.claimId]));
    await restored.close();
    rmSync(copies, { recursive: true });
  });

  it('treats a refused COMMIT as infrastructure, whatever the error: each row was accepted before', async () => {
    const { connection, close } = await openFile(directory);
    const refused = connection.transaction(async (runner) => {
      // This constraint is checked only at the COMMIT.
      await runner.query('PRAGMA defer_foreign_keys = ON');
      await runner.query(
        'INSERT INTO coupons (campaign_id, user_id, claim_id, code, sequence, claimed_at, created_at) ' +
          "VALUES ('nowhere', 'u', 'c', 'code', 1, 0, 0)",
      );
    });
    await expect(refused).rejects.toMatchObject({ kind: 'infrastructure', code: 'SQLITE_CONSTRAINT_FOREIGNKEY' });
    expect(await connection.exclusive((runner) => runner.query('SELECT * FROM coupons'))).toEqual([]);
    await close();
  });

  it.each([1, 2, 3, 4, 5])('keeps every claim that was acknowledged before a kill -9, round %d', async (round) => {
    const publisher = await openChild('publish');
    await until('claims are acknowledged', () => {
      if (publisher.process.exitCode !== null) throw new Error(publisher.errors());
      return publisher.lines().length > 200 * round;
    });
    await publisher.kill('SIGKILL');
    const acknowledged = publisher.lines().slice(1);
    const { connection, close } = await openFile(directory);
    const kept = await claimIdsIn(openJournal(connection));
    expect(acknowledged.length).toBeGreaterThan(100);
    expect(acknowledged.filter((claimId) => !kept.has(claimId))).toEqual([]);
    await close();
  });
});

describe('a disk that takes its time', () => {
  let directory: string;
  let connection: SqliteConnection;
  let close: OpenFile['close'];
  const syncs: { end: () => void; fail: (error: Error) => void }[] = [];
  const fatal: string[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-'));
    syncs.length = 0;
    fatal.length = 0;
    const flush = () => new Promise<void>((end, fail) => syncs.push({ end, fail }));
    ({ connection, close } = await openFile(directory, flush, (reason) => fatal.push(reason)));
  });
  afterEach(async () => {
    const closed = close();
    for (const { end } of syncs) end();
    await closed;
    rmSync(directory, { recursive: true, force: true });
  });

  it('holds back every acknowledgement, and every result of a read, until the commit is on it', async () => {
    const log = openJournal(connection);
    const told: string[] = [];
    const event = claimEvent();
    const published = log.publish(event).then(() => told.push('published'));
    await until('the commit is on its way to the disk', () => syncs.length === 1);
    const found = claimIdsIn(log).then((claimIds) => told.push(...claimIds));
    // It is committed: a read that does not wait for the disk sees it.
    await connection.transaction(
      async (runner) => {
        const [{ rows }] = (await runner.query('SELECT COUNT(*) AS rows FROM journal')) as [{ rows: number }];
        expect(rows).toBe(1);
      },
      { durable: false },
    );
    expect(told).toEqual([]);
    syncs[0]?.end();
    await Promise.all([published, found]);
    expect(told).toEqual(expect.arrayContaining(['published', event.claimId]));
  });

  it('acknowledges nothing more once it has failed, and logs it', async () => {
    const log = openJournal(connection);
    expect(log.away).toBe(false);
    const published = log.publish(claimEvent());
    await until('the commit is on its way to the disk', () => syncs.length === 1);
    syncs[0]?.fail(new Error('EIO'));
    await expect(published).rejects.toBeInstanceOf(ClaimLogUnconfirmedError);
    await expect(log.publish(claimEvent())).rejects.toBeInstanceOf(ClaimLogUnconfirmedError);
    await expect(connection.exclusive(async () => undefined)).rejects.toMatchObject({ kind: 'infrastructure' });
    expect(log.away).toBe(true);
    expect(fatal).toEqual([expect.stringContaining('EIO')]);
  });
});

describe('the one connection', () => {
  let stack: EmbeddedStack;

  beforeAll(async () => {
    stack = await openEmbeddedStack();
  });
  afterAll(() => stack.close());

  it.each([
    ['null', null],
    ['a Buffer', Buffer.from([1])],
    ['a text', 'x'],
  ])('binds %s as the only parameter of a statement', async (_what, value) => {
    const [row] = (await stack.connection.exclusive((runner) => runner.query('SELECT typeof(?) AS type', [value]))) as {
      type: string;
    }[];
    expect(row?.type).toBe(value === null ? 'null' : typeof value === 'string' ? 'text' : 'blob');
  });

  it('refuses a unit of work inside another one, undoes both, and goes on', async () => {
    const { database } = stack;
    const nested = database.transaction(async (unit) => {
      await unit.campaigns.insert({ id: 'outer', name: 'x', total: 1, startsAt: 0, endsAt: null, state: 'OPEN' });
      await database.transaction((inner) =>
        inner.campaigns.insert({ id: 'inner', name: 'x', total: 1, startsAt: 0, endsAt: null, state: 'OPEN' }),
      );
    });
    await expect(nested).rejects.toMatchObject({ kind: 'infrastructure', code: 'SQLITE_STALLED' });
    expect(await database.read(({ campaigns }) => campaigns.findMany(['outer', 'inner']))).toEqual([]);
    expect(await storeCampaign(stack, { id: 'after' })).toMatchObject({ id: 'after' });
  });

  it('gives up a publish that a unit of work waits for, and goes on', async () => {
    // With the limit of the service, which ends before a unit of work counts as stuck.
    const log = new JournalClaimLog(stack.connection);
    const stuck = stack.database.transaction(() => log.publish(claimEvent()));
    await expect(stuck).rejects.toBeInstanceOf(ClaimLogUnconfirmedError);
    await stack.log.publish(claimEvent());
  });

  it('lets others wait for a unit of work that is slow but alive', async () => {
    const { database } = stack;
    const end = performance.now() + 1_500;
    const slow = database.transaction(async ({ campaigns }) => {
      while (performance.now() < end) {
        await campaigns.find('nobody');
        await new Promise(setImmediate);
      }
    });
    expect(await database.read((unit) => unit.now())).toEqual(expect.any(Number));
    await slow;
  });

  it('rejects with infrastructure while the disk is full, loses nothing, and recovers', async () => {
    const full = await openEmbeddedStack();
    const pages = (count: number) =>
      full.connection.exclusive((runner) => runner.query(`PRAGMA max_page_count = ${count}`));
    const [file] = (await full.connection.exclusive((runner) => runner.query('PRAGMA page_count'))) as {
      page_count: number;
    }[];
    // Counted from what the migrations took. A round is one transaction, and several of them fit.
    await pages((file?.page_count ?? 0) + 16);
    const acknowledged: string[] = [];
    const refused: unknown[] = [];
    for (let round = 0; round < 100; round++) {
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const event = claimEvent();
          await full.log.publish(event).then(
            () => acknowledged.push(event.claimId),
            (error: unknown) => refused.push(error),
          );
        }),
      );
    }
    expect(acknowledged.length).toBeGreaterThan(0);
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) {
      expect(error).toBeInstanceOf(ClaimLogUnavailableError);
      expect((error as Error).cause).toMatchObject({ kind: 'infrastructure', code: 'SQLITE_FULL' });
    }
    await pages(100_000);
    const late = claimEvent();
    await full.log.publish(late);
    expect(await claimIdsIn(full.log)).toEqual(new Set([...acknowledged, late.claimId]));
    await full.close();
  });

  it('answers calls from before the stop, and refuses calls after it', async () => {
    const stopping = await openEmbeddedStack();
    const before = storeCampaign(stopping, { id: 'before' });
    const stop = stopping.close();
    const after = storeCampaign(stopping, { id: 'after' });
    await expect(after).rejects.toMatchObject({ kind: 'infrastructure', code: 'SQLITE_CLOSED' });
    await expect(stopping.log.publish(claimEvent())).rejects.toBeInstanceOf(ClaimLogUnavailableError);
    expect(await before).toMatchObject({ id: 'before' });
    await stop;
  });
});
