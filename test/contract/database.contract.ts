import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type QueryRunner } from 'typeorm';
import { ulid } from 'ulid';
import { type ClaimEvent } from '../../src/domain/claim.js';
import { type ClaimLog, type LogRecord } from '../../src/events/claim-log.js';
import { type FailedEvent, type Failure } from '../../src/events/failed-event-store.js';
import { CONFIRMATION_MS, MAX_ATTEMPTS } from '../../src/events/retry-policy.js';
import { CampaignMilestones1764200000000 } from '../../src/infrastructure/database/migrations/1764200000000-campaign-milestones.js';
import { type Campaign } from '../../src/persistence/campaign-store.js';
import { type NewCoupon } from '../../src/persistence/coupon-store.js';
import { type Database, type UnitOfWork } from '../../src/persistence/database.js';
import { DatabaseError } from '../../src/persistence/database-error.js';
import { digestOf } from '../../src/persistence/digest.js';
import { claimEvent } from '../support/claims.js';

/** What differs between databases. */
export interface DatabaseHarness {
  readonly database: Database;
  /** The log that lives beside it, if they share a file: what it acknowledges must not hang on a unit of work. */
  readonly log?: ClaimLog;
  /** One statement past the stores, in the dialect that both databases know: to set clocks and look at bytes. */
  execute(sql: string, parameters?: unknown[]): Promise<unknown>;
  /** Hands out what a migration gets. */
  withRunner(work: (runner: QueryRunner) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const FAILURE: Failure = { errorClass: 'unpublished', errorCode: 'log-away', errorMessage: 'the log did not answer' };
const POISON: Failure = { errorClass: 'poison', errorCode: 'refused-by-database', errorMessage: 'no' };

class Undo extends Error {}

export function describeDatabaseContract(name: string, openHarness: () => Promise<DatabaseHarness>): void {
  describe(`${name} as a Database`, () => {
    let harness: DatabaseHarness;
    let database: Database;
    let campaignId: string;

    const write = <T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> => database.transaction(work);
    const read = <T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> => database.read(work);
    const insertCampaign = (over: Partial<Campaign> = {}): Promise<Campaign> =>
      write(({ campaigns }) =>
        campaigns.insert({
          id: ulid(),
          name: '쿠폰 🎟️',
          total: 100,
          startsAt: 0,
          endsAt: null,
          state: 'OPEN',
          ...over,
        }),
      );
    const coupon = (over: Partial<NewCoupon> = {}): NewCoupon => {
      const { claimId, userId, sequence, claimedAt } = claimEvent();
      return {
        campaignId,
        userId,
        claimId,
        code: ulid(),
        sequence,
        claimedAt,
        idempotencyDigest: null,
        createdAt: 1_764_000_000_456,
        ...over,
      };
    };
    const kindOf = async (work: Promise<unknown>): Promise<string> => {
      const error = await work.then(
        () => new Error('nothing was refused'),
        (reason: unknown) => reason as Error,
      );
      if (error.name !== 'DatabaseError') throw error;
      return (error as DatabaseError).kind;
    };

    beforeAll(async () => {
      harness = await openHarness();
      database = harness.database;
    });
    beforeEach(async () => {
      campaignId = (await insertCampaign()).id;
    });
    afterAll(() => harness.close());

    describe('units of work', () => {
      it('commits when the work resolves, and hands out what it returned', async () => {
        const id = ulid();
        expect(await insertCampaign({ id }).then((campaign) => campaign.id)).toBe(id);
        expect(await read(({ campaigns }) => campaigns.find(id))).toMatchObject({ id });
      });

      it('undoes everything when the work rejects, and rejects with the same error', async () => {
        const [id, error] = [ulid(), new Undo('changed my mind')];
        const work = write(async ({ campaigns, coupons, audit }) => {
          await campaigns.insert({ id, name: id, total: 1, startsAt: 0, endsAt: null, state: 'OPEN' });
          await coupons.insert([coupon({ campaignId: id })]);
          await audit.record({ action: 'test', subject: id, requestId: null, detail: {} });
          throw error;
        });
        await expect(work).rejects.toBe(error);
        expect(await read(({ campaigns }) => campaigns.find(id))).toBeNull();
        expect(await read(({ coupons }) => coupons.count(id))).toBe(0);
      });

      it('undoes everything when the database refuses one statement', async () => {
        const id = ulid();
        const refused = write(async ({ campaigns }) => {
          await campaigns.insert({ id, name: id, total: 1, startsAt: 0, endsAt: null, state: 'OPEN' });
          await campaigns.addIssued(id, 2, 1);
        });
        expect(await kindOf(refused)).toBe('unknown');
        expect(await read(({ campaigns }) => campaigns.find(id))).toBeNull();
      });

      it('goes on after a unit of work that failed', async () => {
        await write(() => Promise.reject(new Undo())).catch(() => undefined);
        await database.snapshot(() => Promise.reject(new Undo())).catch(() => undefined);
        await read(() => Promise.reject(new Undo())).catch(() => undefined);
        expect(await insertCampaign()).toMatchObject({ version: 1 });
      });

      it('keeps what was acknowledged beside a unit of work that rolled back', async () => {
        const beside: Promise<Campaign>[] = [];
        const rolledBack = write(async ({ campaigns }) => {
          await campaigns.find(campaignId);
          for (let count = 0; count < 5; count++) beside.push(insertCampaign());
          await campaigns.update(campaignId, { name: 'never' }, 2);
          await new Promise(setImmediate);
          throw new Undo();
        });
        await expect(rolledBack).rejects.toThrow(Undo);
        for (const { id } of await Promise.all(beside)) {
          expect(await read(({ campaigns }) => campaigns.find(id))).toMatchObject({ id });
        }
        expect(await read(({ campaigns }) => campaigns.find(campaignId))).toMatchObject({ version: 1 });
      });

      it('keeps what the log acknowledged beside a unit of work that rolled back', async () => {
        const { log } = harness;
        if (log === undefined) return;
        const before = await log.endOffsets();
        const events = Array.from({ length: 20 }, () => claimEvent());
        const published: Promise<void>[] = [];
        const rolledBack = write(async ({ campaigns }) => {
          for (const event of events) published.push(log.publish(event));
          await campaigns.update(campaignId, { name: 'never' }, 2);
          await new Promise(setImmediate);
          await new Promise(setImmediate);
          throw new Undo();
        });
        await expect(rolledBack).rejects.toThrow(Undo);
        await Promise.all(published);
        let kept = 0;
        for await (const page of log.read(before, await log.endOffsets())) kept += page.length;
        expect(kept).toBe(20);
      });

      it('lets a detached call that a finished unit of work left behind go on', async () => {
        let detached: Promise<Campaign | null> | undefined;
        await write(async () => {
          detached = new Promise<void>(setImmediate).then(() => read(({ campaigns }) => campaigns.find(campaignId)));
        });
        expect(await detached).toMatchObject({ id: campaignId });
      });

      it('serialises read-modify-write behind the row’s lock', async () => {
        await Promise.all(
          Array.from({ length: 20 }, () =>
            write(async ({ campaigns }) => {
              const [locked] = await campaigns.lock([campaignId]);
              await campaigns.update(campaignId, {}, (locked?.version ?? 0) + 1);
            }),
          ),
        );
        expect(await read(({ campaigns }) => campaigns.find(campaignId))).toMatchObject({ version: 21 });
      });

      it('shows a snapshot one instant, whatever is written beside it', async () => {
        let beside: Promise<unknown> = Promise.resolve();
        const [first, second] = await database.snapshot(async ({ campaigns }) => {
          const before = await campaigns.find(campaignId);
          beside = write((unit) => unit.campaigns.update(campaignId, { name: 'beside' }, 2));
          for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
          return [before, await campaigns.find(campaignId)];
        });
        await beside;
        expect(second).toEqual(first);
        expect(await read(({ campaigns }) => campaigns.find(campaignId))).toMatchObject({ name: 'beside' });
      });

      it('runs many units of work at once without losing one', async () => {
        const ids = Array.from({ length: 200 }, () => ulid());
        const outcomes = await Promise.allSettled(
          ids.map((id, index) =>
            write(async ({ campaigns }) => {
              await campaigns.insert({ id, name: id, total: 1, startsAt: 0, endsAt: null, state: 'OPEN' });
              if (index % 3 === 0) throw new Undo();
            }),
          ),
        );
        const kept = new Set((await read(({ campaigns }) => campaigns.findMany(ids))).map(({ id }) => id));
        for (const [index, id] of ids.entries()) {
          expect(outcomes[index]?.status).toBe(index % 3 === 0 ? 'rejected' : 'fulfilled');
          expect(kept.has(id)).toBe(index % 3 !== 0);
        }
      });

      it('tells the time in whole ms, near to everybody else’s', async () => {
        const now = await read((unit) => unit.now());
        expect(Number.isInteger(now)).toBe(true);
        expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
      });
    });

    describe('campaigns', () => {
      it('come back as they were stored, at version 1 with nothing issued', async () => {
        const stored = await insertCampaign({
          name: "Robert'); DROP TABLE campaigns;-- \u{1F3AB} 선착순",
          total: 10_000_000,
          startsAt: 1,
          endsAt: 253_402_300_799_999,
          state: 'PAUSED',
        });
        expect(stored).toMatchObject({ issued: 0, version: 1, createdAt: expect.any(Number) });
        expect(await read(({ campaigns }) => campaigns.find(stored.id))).toEqual(stored);
        expect(await read(({ campaigns }) => campaigns.findMany([stored.id, 'nobody']))).toEqual([stored]);
        expect(await read(({ campaigns }) => campaigns.findMany([]))).toEqual([]);
        expect(await read(({ campaigns }) => campaigns.find('nobody'))).toBeNull();
      });

      it('are found by exactly their id', async () => {
        const id = ulid().toUpperCase();
        await insertCampaign({ id });
        expect(await read(({ campaigns }) => campaigns.find(id.toLowerCase()))).toBeNull();
        await insertCampaign({ id: id.toLowerCase() });
        expect(await read(({ campaigns }) => campaigns.findMany([id]))).toMatchObject([{ id }]);
      });

      it('refuse a second one under the same id as a duplicate', async () => {
        expect(await kindOf(insertCampaign({ id: campaignId }))).toBe('duplicate');
      });

      it('lock in id order and leave out what does not exist', async () => {
        const ids = [ulid(), ulid(), ulid()].sort();
        for (const id of ids) await insertCampaign({ id });
        const locked = await write(({ campaigns }) => campaigns.lock([...ids].reverse().concat('nobody')));
        expect(locked.map(({ id }) => id)).toEqual(ids);
        expect(await write(({ campaigns }) => campaigns.lock([]))).toEqual([]);
      });

      it('list newest first, page by page, each exactly once', async () => {
        const ids: string[] = [];
        for (let count = 0; count < 7; count++) ids.push((await insertCampaign()).id);
        // Ties are the interesting case: several were made in one ms.
        await harness.execute(
          'UPDATE campaigns SET created_at = 4102444800000 WHERE id IN (?, ?, ?, ?)',
          ids.slice(0, 4),
        );
        const seen: Campaign[] = [];
        for (;;) {
          const last = seen.at(-1);
          const page = await read(({ campaigns }) => campaigns.list(2, last));
          seen.push(...page);
          if (page.length < 2) break;
        }
        const order = seen.map(({ createdAt, id }) => `${String(createdAt).padStart(16, '0')} ${id}`);
        expect(order).toEqual([...order].sort().reverse());
        expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length);
        expect(seen.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
      });

      it('list by id for the reconciler', async () => {
        await insertCampaign();
        const all: string[] = [];
        for (;;) {
          const page = await read(({ campaigns }) => campaigns.listAfter(all.at(-1) ?? '', 3));
          all.push(...page.map(({ id }) => id));
          if (page.length < 3) break;
        }
        expect(all).toContain(campaignId);
        expect(all).toEqual([...all].sort());
        expect(new Set(all).size).toBe(all.length);
      });

      it('change what is named, and nothing else', async () => {
        const before = await insertCampaign({ endsAt: 5_000 });
        await write(({ campaigns }) => campaigns.update(before.id, { name: 'new', state: 'CLOSED' }, 2));
        const after = await read(({ campaigns }) => campaigns.find(before.id));
        expect(after).toEqual({ ...before, name: 'new', state: 'CLOSED', version: 2, updatedAt: expect.any(Number) });
        expect(after?.updatedAt).toBeGreaterThanOrEqual(before.updatedAt);
        await write(({ campaigns }) => campaigns.update(before.id, { endsAt: null }, 3));
        expect(await read(({ campaigns }) => campaigns.find(before.id))).toMatchObject({ endsAt: null, version: 3 });
        await write(({ campaigns }) => campaigns.update(before.id, {}, 4));
        expect(await read(({ campaigns }) => campaigns.find(before.id))).toMatchObject({ version: 4, name: 'new' });
      });

      const milestones = async (id: string) => {
        const campaign = await read(({ campaigns }) => campaigns.find(id));
        const [locked] = await write(({ campaigns }) => campaigns.lock([id]));
        expect(locked).toEqual(campaign);
        return { lastClaimedAt: campaign?.lastClaimedAt, soldOutAt: campaign?.soldOutAt, issued: campaign?.issued };
      };

      it('are sold out with the last coupon, since the latest of all claims, in whatever order they are counted', async () => {
        const { id } = await insertCampaign({ total: 5 });
        expect(await milestones(id)).toEqual({ lastClaimedAt: null, soldOutAt: null, issued: 0 });
        await write(({ campaigns }) => campaigns.addIssued(id, 2, 1_764_000_000_900));
        expect(await milestones(id)).toEqual({ lastClaimedAt: 1_764_000_000_900, soldOutAt: null, issued: 2 });
        await write(({ campaigns }) => campaigns.addIssued(id, 2, 1_764_000_000_100));
        expect(await milestones(id)).toEqual({ lastClaimedAt: 1_764_000_000_900, soldOutAt: null, issued: 4 });
        await write(({ campaigns }) => campaigns.addIssued(id, 1, 1_764_000_000_500));
        const gone = { lastClaimedAt: 1_764_000_000_900, soldOutAt: 1_764_000_000_900, issued: 5 };
        expect(await milestones(id)).toEqual(gone);
        await write(({ campaigns }) => campaigns.update(id, { name: 'renamed', total: 5 }, 2));
        expect(await milestones(id)).toEqual(gone);
      });

      it('are not sold out any more after a raise, and again with the coupon that takes the last one', async () => {
        const { id } = await insertCampaign({ total: 1 });
        await write(({ campaigns }) => campaigns.addIssued(id, 1, 1_000));
        const raised = await write(({ campaigns }) => campaigns.update(id, { total: 2 }, 2));
        expect(raised).toEqual(await read(({ campaigns }) => campaigns.find(id)));
        expect(raised).toMatchObject({ total: 2, version: 2, soldOutAt: null });
        await write(({ campaigns }) => campaigns.addIssued(id, 1, 2_000));
        expect(await milestones(id)).toEqual({ lastClaimedAt: 2_000, soldOutAt: 2_000, issued: 2 });
      });

      it('are sold out from now on by a total that is lowered to what was issued', async () => {
        const { id, createdAt } = await insertCampaign({ total: 3 });
        await write(({ campaigns }) => campaigns.addIssued(id, 1, 1_000));
        await write(({ campaigns }) => campaigns.update(id, { total: 2 }, 2));
        expect(await milestones(id)).toMatchObject({ soldOutAt: null });
        await write(({ campaigns }) => campaigns.update(id, { total: 1 }, 3));
        expect((await milestones(id)).soldOutAt).toBeGreaterThanOrEqual(createdAt);
      });

      it('are marked as opened by one of all who try, once for a window', async () => {
        const { id } = await insertCampaign({ startsAt: 1_764_000_000_000 });
        const mark = (version = 1) => write(({ campaigns }) => campaigns.markOpened(id, version));
        expect((await Promise.all([mark(), mark(), mark()])).filter(Boolean)).toHaveLength(1);
        expect(await read(({ campaigns }) => campaigns.find(id))).toMatchObject({ openedAt: 1_764_000_000_000 });
        await write(({ campaigns }) => campaigns.update(id, { startsAt: 1_764_000_000_001 }, 2));
        expect(await mark(2)).toBe(false);
        const later = Date.now() + 86_400_000;
        const put = await write(({ campaigns }) => campaigns.update(id, { startsAt: later }, 3));
        expect(put.openedAt).toBeNull();
        // Of who has read the window before it was moved.
        expect(await mark(2)).toBe(false);
        expect(await mark(3)).toBe(true);
      });

      it('of an older schema are given what their coupons tell, also by a migration that was killed half way', async () => {
        const later = Date.now() + 86_400_000;
        const rows: [string, object][] = [];
        const make = async (over: Partial<Campaign>, claims: readonly number[], expected: object) => {
          const { id } = await insertCampaign(over);
          await write(async ({ campaigns, coupons }) => {
            await coupons.insert(claims.map((claimedAt) => coupon({ campaignId: id, claimedAt })));
            if (claims.length > 0) await campaigns.addIssued(id, claims.length, Math.max(...claims));
          });
          rows.push([id, expected]);
        };
        await make({ total: 2 }, [3_000, 1_000], { openedAt: 0, lastClaimedAt: 3_000, soldOutAt: 3_000 });
        await make({ total: 5, startsAt: 7 }, [2_000], { openedAt: 7, lastClaimedAt: 2_000, soldOutAt: null });
        await make({ startsAt: later }, [], { openedAt: null, lastClaimedAt: null, soldOutAt: null });
        await harness.withRunner(async (runner) => {
          const migration = new CampaignMilestones1764200000000();
          await migration.down(runner);
          await runner.query('ALTER TABLE campaigns ADD COLUMN opened_at BIGINT');
          await migration.up(runner);
          // And once more, as when it was killed before it was noted as done.
          await migration.up(runner);
        });
        for (const [id, expected] of rows) {
          expect(await read(({ campaigns }) => campaigns.find(id))).toMatchObject(expected);
        }
      });

      it('never hold more issued than the total, from whichever side it is tried', async () => {
        const { id } = await insertCampaign({ total: 3 });
        await write(({ campaigns }) => campaigns.addIssued(id, 3, 1));
        expect(await kindOf(write(({ campaigns }) => campaigns.addIssued(id, 1, 1)))).toBe('unknown');
        expect(await kindOf(write(({ campaigns }) => campaigns.update(id, { total: 2 }, 2)))).toBe('unknown');
        expect(await kindOf(write(({ campaigns }) => campaigns.addIssued(id, -4, 1)))).toBe('unknown');
        expect(await read(({ campaigns }) => campaigns.find(id))).toMatchObject({ issued: 3, total: 3, version: 1 });
      });
    });

    describe('coupons', () => {
      it('come back as they were stored', async () => {
        const one = coupon({ idempotencyDigest: 'D'.repeat(43), sequence: 9_999_999, claimedAt: 1_764_000_000_123 });
        const two = coupon();
        await write(({ coupons }) => coupons.insert([one, two]));
        const found = await read(({ coupons }) => coupons.find(campaignId, one.userId));
        expect(found).toEqual({ ...one, id: expect.any(Number) });
        expect(await read(({ coupons }) => coupons.find(campaignId, 'nobody'))).toBeNull();
        expect(await read(({ coupons }) => coupons.count(campaignId))).toBe(2);
        await write(({ coupons }) => coupons.insert([]));
      });

      it.each(['campaignId and userId', 'claimId', 'code'] as const)(
        'refuse a second one with the same %s as a duplicate',
        async (what) => {
          const first = coupon();
          await write(({ coupons }) => coupons.insert([first]));
          const same = {
            'campaignId and userId': { userId: first.userId },
            claimId: { claimId: first.claimId },
            code: { code: first.code },
          }[what];
          expect(await kindOf(write(({ coupons }) => coupons.insert([coupon(same)])))).toBe('duplicate');
          expect(await kindOf(write(({ coupons }) => coupons.insert([coupon(same), coupon(same)])))).toBe('duplicate');
          expect(await read(({ coupons }) => coupons.count(campaignId))).toBe(1);
        },
      );

      it('insert all or nothing, also when the unit of work goes on after the refusal', async () => {
        const first = coupon();
        await write(({ coupons }) => coupons.insert([first]));
        await write(async ({ coupons }) => {
          const mixed = [coupon(), coupon({ userId: first.userId }), coupon()];
          expect(await kindOf(coupons.insert(mixed))).toBe('duplicate');
          // What was refused with another one is not taken yet.
          expect((await coupons.findByUsers(mixed)).map(({ claimId }) => claimId)).toEqual([first.claimId]);
          await coupons.insert(mixed.filter(({ userId }) => userId !== first.userId));
        });
        expect(await read(({ coupons }) => coupons.count(campaignId))).toBe(3);
      });

      it('refuse a campaign that does not exist as data', async () => {
        expect(await kindOf(write(({ coupons }) => coupons.insert([coupon({ campaignId: 'nobody' })])))).toBe('data');
      });

      it('take one user in many campaigns, and users whose ids differ only by case', async () => {
        const other = (await insertCampaign()).id;
        const userId = `Case-${ulid()}`;
        const rows = [
          coupon({ userId }),
          coupon({ userId: userId.toLowerCase() }),
          coupon({ campaignId: other, userId }),
        ];
        await write(({ coupons }) => coupons.insert(rows));
        const pairs = await read(({ coupons }) =>
          coupons.findByUsers([
            { campaignId, userId },
            { campaignId: other, userId },
            { campaignId: other, userId: userId.toLowerCase() },
            { campaignId, userId: userId.toUpperCase() },
          ]),
        );
        expect(pairs.map(({ claimId }) => claimId).sort()).toEqual(
          [rows[0]?.claimId, rows[2]?.claimId].map(String).sort(),
        );
        expect(pairs[0]).toEqual({
          id: expect.any(Number),
          campaignId: expect.any(String),
          userId,
          claimId: expect.any(String),
          sequence: expect.any(Number),
          claimedAt: expect.any(Number),
          idempotencyDigest: null,
        });
        expect(await read(({ coupons }) => coupons.findByUsers([]))).toEqual([]);
      });

      it('list a user’s own newest first, page by page', async () => {
        const userId = `lister-${ulid()}`;
        for (let count = 0; count < 5; count++) {
          const { id } = await insertCampaign();
          await write(({ coupons }) => coupons.insert([coupon({ campaignId: id, userId })]));
        }
        const first = await read(({ coupons }) => coupons.listByUser(userId, 3));
        const rest = await read(({ coupons }) => coupons.listByUser(userId, 3, first.at(-1)?.id));
        const ids = [...first, ...rest].map(({ id }) => id);
        expect(ids).toHaveLength(5);
        expect(ids).toEqual([...ids].sort((a, b) => b - a));
        expect(await read(({ coupons }) => coupons.listByUser(userId.toUpperCase(), 3))).toEqual([]);
      });

      it('list in id order for the rebuild, every page after the last', async () => {
        await write(({ coupons }) => coupons.insert(Array.from({ length: 25 }, () => coupon())));
        const ids: number[] = [];
        let mine = 0;
        await database.snapshot(async ({ coupons }) => {
          for (;;) {
            const page = await coupons.listIssuedAfter(ids.at(-1) ?? 0, 7);
            ids.push(...page.map(({ id }) => id));
            mine += page.filter((row) => row.campaignId === campaignId).length;
            if (page.length < 7) break;
          }
        });
        expect(mine).toBe(25);
        expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
      });

      it('take lists that are longer than a statement may have parameters', async () => {
        const rows = Array.from({ length: 5_000 }, (_, index) =>
          coupon({ claimId: `C${index}-${campaignId}`.slice(0, 26) }),
        );
        await write(({ coupons }) => coupons.insert(rows));
        expect(await read(({ coupons }) => coupons.count(campaignId))).toBe(5_000);
        const pairs = [
          ...rows,
          ...Array.from({ length: 35_000 }, (_, user) => ({ campaignId, userId: `none-${user}` })),
        ];
        expect(await read(({ coupons }) => coupons.findByUsers(pairs))).toHaveLength(5_000);
      });

      it('insert a long list all or nothing too', async () => {
        const rows = Array.from({ length: 3_000 }, (_, index) =>
          coupon({ claimId: `D${index}-${campaignId}`.slice(0, 26) }),
        );
        rows.push(coupon({ userId: rows[0]?.userId ?? '' }));
        await write(async ({ coupons }) => {
          expect(await kindOf(coupons.insert(rows))).toBe('duplicate');
        });
        expect(await read(({ coupons }) => coupons.count(campaignId))).toBe(0);
      });
    });

    describe('the gate row', () => {
      it('takes a lease under a new epoch, prolongs it for its builder alone, and opens', async () => {
        const epoch = 1_800_000_000 + Math.floor(Math.random() * 1_000_000);
        await write(async ({ gate }) => {
          await gate.lockExclusive();
          await gate.beginEpoch('one', epoch, 10_000);
        });
        const begun = await read(async (unit) => ({ row: await unit.gate.read(), now: await unit.now() }));
        expect(begun.row).toMatchObject({ epoch, fence: null, builder: 'one' });
        expect((begun.row.leaseUntil ?? 0) - begun.now).toBeGreaterThan(5_000);
        expect((begun.row.leaseUntil ?? 0) - begun.now).toBeLessThanOrEqual(10_000);

        const renew = (builder: string, of: number) => write(({ gate }) => gate.renewLease(builder, of, 60_000));
        expect(await renew('one', epoch)).toBe(true);
        expect(await renew('one', epoch)).toBe(true);
        expect(await renew('two', epoch)).toBe(false);
        expect(await renew('one', epoch - 1)).toBe(false);
        expect((await read(({ gate }) => gate.read())).leaseUntil).toBeGreaterThan(begun.row.leaseUntil ?? 0);

        const taken = await read(({ gate }) => gate.read());
        await write(({ gate }) => gate.giveLeaseBack('two', epoch));
        await write(({ gate }) => gate.giveLeaseBack('one', epoch - 1));
        expect(await read(({ gate }) => gate.read())).toEqual(taken);

        await write(({ gate }) => gate.open(epoch - 1, 'wrong epoch'));
        expect((await read(({ gate }) => gate.read())).fence).toBeNull();
        await write(({ gate }) => gate.open(epoch, 'fence'));
        const open = { epoch, fence: 'fence', builder: null, leaseUntil: null };
        expect(await read(({ gate }) => gate.read())).toEqual(open);
        expect(await write(({ gate }) => gate.lockShared())).toEqual(open);
        expect(await write(({ gate }) => gate.lockExclusive())).toEqual(open);
        expect(await renew('one', epoch)).toBe(false);

        await write(({ gate }) => gate.beginEpoch('three', epoch + 1, 1_000));
        expect(await read(({ gate }) => gate.read())).toMatchObject({ epoch: epoch + 1, fence: null });
      });

      it('is nobody’s after its builder gave the lease back, and stays open where it was opened', async () => {
        const epoch = 1_850_000_000 + Math.floor(Math.random() * 1_000_000);
        await write(({ gate }) => gate.beginEpoch('one', epoch, 10_000));
        await write(({ gate }) => gate.giveLeaseBack('one', epoch));
        const given = await read(async (unit) => ({ row: await unit.gate.read(), now: await unit.now() }));
        expect(given.row).toMatchObject({ epoch, fence: null, builder: null });
        expect(given.row.leaseUntil).toBeLessThanOrEqual(given.now);
        expect(given.now - (given.row.leaseUntil ?? 0)).toBeLessThan(5_000);
        expect(await write(({ gate }) => gate.renewLease('one', epoch, 10_000))).toBe(false);

        await write(async ({ gate }) => {
          await gate.beginEpoch('one', epoch + 1, 10_000);
          await gate.open(epoch + 1, 'fence');
        });
        await write(({ gate }) => gate.giveLeaseBack('one', epoch + 1));
        const open = { epoch: epoch + 1, fence: 'fence', builder: null, leaseUntil: null };
        expect(await read(({ gate }) => gate.read())).toEqual(open);
      });

      it('is the database’s trouble when it is missing, and nobody else’s', async () => {
        await harness.execute('DELETE FROM gate');
        try {
          expect(await kindOf(read(({ gate }) => gate.read()))).toBe('infrastructure');
          expect(await kindOf(write(({ gate }) => gate.lockShared()))).toBe('infrastructure');
          expect(await kindOf(write(({ gate }) => gate.lockExclusive()))).toBe('infrastructure');
        } finally {
          await harness.execute('INSERT INTO gate (id, epoch) VALUES (1, 0)');
        }
      });

      it('finds the cut of the lowest epoch above, with or without partitions', async () => {
        const base = 2_000_000_000;
        expect(await read(({ gate }) => gate.cutAbove(base))).toBeNull();
        const cut = (epoch: number, offsets: [number, number][]) =>
          write(({ gate }) => gate.storeCut({ epoch, offsets: new Map(offsets) }));
        await cut(base + 20, [
          [0, 7],
          [11, 9_007_199_254_740_991],
        ]);
        await cut(base + 10, []);
        const above = (epoch: number) => read(({ gate }) => gate.cutAbove(epoch));
        expect(await above(base)).toEqual({ epoch: base + 10, offsets: new Map() });
        expect(await above(base + 10)).toEqual({
          epoch: base + 20,
          offsets: new Map([
            [0, 7],
            [11, 9_007_199_254_740_991],
          ]),
        });
        expect(await above(base + 20)).toBeNull();
        expect(await kindOf(cut(base + 10, []))).toBe('duplicate');
      });
    });

    describe('failed events', () => {
      const record = (event: ClaimEvent | null, over: Partial<LogRecord> = {}): LogRecord => ({
        topic: 'coupon_create',
        partition: 3,
        offset: Math.floor(Math.random() * 1e12),
        key: Buffer.from('key'),
        value: Buffer.from(event === null ? 'nonsense' : JSON.stringify(event)),
        headers: {},
        ...over,
      });
      const claim = (over: Partial<ClaimEvent> = {}) => claimEvent({ campaignId, ...over });
      const addUnpublished = (...claims: ClaimEvent[]) =>
        write(({ failedEvents }) =>
          failedEvents.addUnpublished(claims.map((each) => ({ claim: each, source: 'API', failure: FAILURE }))),
        );
      const quarantine = (event: ClaimEvent, failure: Failure = POISON) =>
        write(({ failedEvents }) => failedEvents.quarantine([{ record: record(event), claim: event, failure }]));
      const rowOf = async ({ claimId }: ClaimEvent): Promise<FailedEvent> => {
        const [row] = await read(({ failedEvents }) => failedEvents.findByClaimIds([claimId]));
        if (row === undefined) throw new Error('the claim has no row');
        return row;
      };
      const lease = (owner: string, limit = 100, leaseMs = 60_000) =>
        write(({ failedEvents }) => failedEvents.lease(owner, limit, leaseMs));
      const setDue = (...claims: ClaimEvent[]) =>
        harness.execute(
          `UPDATE failed_events SET next_attempt_at = 0 WHERE claim_id IN (${claims.map(() => '?').join(', ')})`,
          claims.map(({ claimId }) => claimId),
        );

      // Leases look at the whole table, so what other tests left must not be due.
      beforeEach(() => harness.execute('UPDATE failed_events SET next_attempt_at = 8640000000000000'));

      it('can be proven to be taken without keeping any, and cannot where none is taken', async () => {
        const before = await read(({ failedEvents }) => failedEvents.countByStatus());
        await write(({ failedEvents }) => failedEvents.proveWritable());
        expect(await read(({ failedEvents }) => failedEvents.countByStatus())).toEqual(before);
        await harness.execute('ALTER TABLE failed_events RENAME TO hidden', []);
        try {
          await expect(write(({ failedEvents }) => failedEvents.proveWritable())).rejects.toBeInstanceOf(DatabaseError);
        } finally {
          await harness.execute('ALTER TABLE hidden RENAME TO failed_events', []);
        }
        await write(({ failedEvents }) => failedEvents.proveWritable());
      });

      describe('of claims that were not published', () => {
        it('are PENDING and due at once, with the claim as it was', async () => {
          const event = claim({ idempotencyDigest: 'E'.repeat(43) });
          const plain = claim();
          await addUnpublished(event, plain);
          const row = await rowOf(event);
          expect(row).toMatchObject({
            dedupeKey: event.claimId,
            claim: event,
            source: 'API',
            failure: FAILURE,
            status: 'PENDING',
            attempts: 0,
            maxAttempts: MAX_ATTEMPTS,
            leaseOwner: null,
            leaseUntil: null,
            releasedAt: null,
            resolvedBy: null,
            note: null,
            topic: null,
            partition: null,
            offset: null,
            version: 1,
          });
          expect(row.nextAttemptAt).toBeLessThanOrEqual(await read((unit) => unit.now()));
          expect((await rowOf(plain)).claim).toEqual(plain);
          expect(await read(({ failedEvents }) => failedEvents.find(row.id))).toEqual(row);
          expect(await write(({ failedEvents }) => failedEvents.lock(row.id))).toEqual(row);
        });

        it('are added once, however often and in whatever company they come', async () => {
          const [one, two] = [claim(), claim()];
          await addUnpublished(one);
          const before = await rowOf(one);
          await addUnpublished(one, two, two);
          await addUnpublished(two, one);
          expect(await rowOf(one)).toEqual(before);
          expect((await rowOf(two)).status).toBe('PENDING');
          await addUnpublished();
        });

        it('keep the row of a claim that is finished already', async () => {
          const event = claim();
          await addUnpublished(event);
          await write(({ failedEvents }) => failedEvents.resolve([event.claimId]));
          await addUnpublished(event);
          expect((await rowOf(event)).status).toBe('RESOLVED');
        });

        it('go in by thousands in one call', async () => {
          const events = Array.from({ length: 3_000 }, (_, index) =>
            claim({ claimId: `E${index}-${campaignId}`.slice(0, 26) }),
          );
          await addUnpublished(...events);
          expect((await read(({ failedEvents }) => failedEvents.countByStatus(campaignId))).PENDING).toBe(3_000);
          const ids = [
            ...events.map(({ claimId }) => claimId),
            ...Array.from({ length: 33_000 }, (_, n) => `none-${n}`),
          ];
          expect((await read(({ failedEvents }) => failedEvents.statusesOf(ids))).size).toBe(3_000);
          expect(await read(({ failedEvents }) => failedEvents.findByClaimIds(ids))).toHaveLength(3_000);
          await write(({ failedEvents }) => failedEvents.resolve(ids));
          expect((await read(({ failedEvents }) => failedEvents.countByStatus(campaignId))).RESOLVED).toBe(3_000);
        });

        it('cut what an operator could not read anyway', async () => {
          const event = claim();
          await write(({ failedEvents }) =>
            failedEvents.addUnpublished([
              {
                claim: event,
                source: 'SWEEPER',
                failure: { errorClass: 'c'.repeat(99), errorCode: 'k'.repeat(99), errorMessage: '글'.repeat(999) },
              },
            ]),
          );
          const { failure, source } = await rowOf(event);
          expect(source).toBe('SWEEPER');
          expect(failure).toEqual({
            errorClass: 'c'.repeat(32),
            errorCode: 'k'.repeat(64),
            errorMessage: '글'.repeat(500),
          });
        });
      });

      describe('of quarantined records', () => {
        it('wait with back-off, count one attempt each time, and are DEAD after exactly the twelfth', async () => {
          const event = claim();
          for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
            const now = await read((unit) => unit.now());
            await quarantine(event);
            const row = await rowOf(event);
            expect(row).toMatchObject({
              source: 'CONSUMER',
              attempts: attempt,
              status: attempt < MAX_ATTEMPTS ? 'PENDING' : 'DEAD',
              partition: 3,
              topic: 'coupon_create',
              version: attempt,
            });
            expect(row.nextAttemptAt).toBeGreaterThanOrEqual(now);
            expect(row.nextAttemptAt).toBeLessThanOrEqual(now + 5_000 + Math.min(300_000, 1_000 * 2 ** attempt));
            await setDue(event);
          }
          await quarantine(event);
          expect(await rowOf(event)).toMatchObject({ status: 'DEAD', attempts: MAX_ATTEMPTS });
          await setDue(event);
          expect(await lease('nobody-gets-it')).toEqual([]);
        });

        it('count one attempt for all the copies of them that lie on the log', async () => {
          const event = claim();
          await quarantine(event);
          // Far away, as after several attempts: between 0 and so many seconds is drawn at random.
          await harness.execute('UPDATE failed_events SET next_attempt_at = 8640000000000000');
          for (let copy = 0; copy < MAX_ATTEMPTS; copy++) await quarantine(event);
          expect(await rowOf(event)).toMatchObject({
            status: 'PENDING',
            attempts: 1,
            nextAttemptAt: 8_640_000_000_000_000,
          });
          await setDue(event);
          await lease('publisher');
          await quarantine(event);
          expect(await rowOf(event)).toMatchObject({ status: 'PENDING', attempts: 2 });
        });

        it('count on the row that the api had written', async () => {
          const event = claim();
          await addUnpublished(event);
          await quarantine(event);
          expect(await rowOf(event)).toMatchObject({ status: 'PENDING', attempts: 1, source: 'API', failure: POISON });
        });

        it('take a leased row back from its lease', async () => {
          const event = claim();
          await addUnpublished(event);
          await lease('publisher');
          await quarantine(event);
          expect(await rowOf(event)).toMatchObject({ status: 'PENDING', attempts: 1, leaseOwner: null });
        });

        it('do not bring back what an operator discards at the same moment', async () => {
          const event = claim();
          await addUnpublished(event);
          const { id } = await rowOf(event);
          let discarded: () => void = () => undefined;
          const uncommitted = new Promise<void>((resolve) => (discarded = resolve));
          const operator = write(async (unit) => {
            await unit.failedEvents.lock(id);
            await unit.failedEvents.discard(id, 'asked for');
            discarded();
            // Where units of work run side by side, the other one comes upon the row during these.
            for (let calls = 0; calls < 50; calls++) await unit.now();
          });
          await uncommitted;
          await Promise.all([operator, quarantine(event)]);
          expect(await rowOf(event)).toMatchObject({ status: 'DISCARDED', attempts: 0 });
        });

        it('are DEAD at once when the campaign is unknown', async () => {
          const event = claim();
          await quarantine(event, { ...POISON, errorCode: 'unknown-campaign' });
          expect(await rowOf(event)).toMatchObject({ status: 'DEAD', attempts: 1 });
        });

        it('are DEAD at once when unreadable, and the same row when delivered again', async () => {
          const broken = record(null, { value: null, key: null });
          const before = await read(({ failedEvents }) => failedEvents.countByStatus());
          for (let delivery = 0; delivery < 2; delivery++) {
            await write(({ failedEvents }) =>
              failedEvents.quarantine([
                { record: broken, claim: null, failure: { ...POISON, errorCode: 'unreadable' } },
              ]),
            );
          }
          const after = await read(({ failedEvents }) => failedEvents.countByStatus());
          expect(after.DEAD - before.DEAD).toBe(1);
          const [row] = await read(({ failedEvents }) => failedEvents.list({ limit: 1 }));
          expect(row).toMatchObject({ claim: null, status: 'DEAD', offset: broken.offset, attempts: 1 });
          expect(row?.dedupeKey).toMatch(/^[0-9a-f]{64}$/);
        });

        it.each(['RESOLVED', 'DISCARDED'] as const)('leave a %s row as it is', async (status) => {
          const event = claim();
          await addUnpublished(event);
          const { id } = await rowOf(event);
          await write(({ failedEvents }) =>
            status === 'RESOLVED' ? failedEvents.resolve([event.claimId]) : failedEvents.discard(id, 'why'),
          );
          const before = await rowOf(event);
          expect(before.status).toBe(status);
          await quarantine(event);
          expect(await rowOf(event)).toEqual(before);
        });

        it.each([
          ['nothing of what fits', 32 * 1024, false, 0],
          ['what is longer than 32 KB', 32 * 1024 + 1, false, 1],
          ['everything when asked to', 10, true, 1],
        ])('cut %s', async (_what, length, withoutPayload, truncated) => {
          const event = claim();
          const value = Buffer.alloc(length, 0xff);
          await write(({ failedEvents }) =>
            failedEvents.quarantine(
              [
                {
                  record: record(event, { value, headers: { h: Buffer.from([0, 1]) } }),
                  claim: event,
                  failure: POISON,
                },
              ],
              { withoutPayload },
            ),
          );
          const [row] = (await harness.execute(
            'SELECT payload, headers, message_key, truncated FROM failed_events WHERE claim_id = ?',
            [event.claimId],
          )) as { payload: Buffer | null; headers: Buffer | null; message_key: Buffer | null; truncated: number }[];
          expect(Number(row?.truncated)).toBe(truncated);
          if (withoutPayload) {
            expect([row?.payload, row?.headers, row?.message_key]).toEqual([null, null, null]);
          } else {
            expect(Buffer.from(row?.payload ?? []).equals(value.subarray(0, 32 * 1024))).toBe(true);
            expect(Buffer.from(row?.headers ?? []).toString()).toBe('{"h":"AAE="}');
            expect(Buffer.from(row?.message_key ?? []).toString()).toBe('key');
          }
        });
      });

      describe('under lease', () => {
        it('go to one instance each, in no more than the limit', async () => {
          const events = Array.from({ length: 30 }, () => claim());
          await addUnpublished(...events);
          const leased = await Promise.all(['a', 'b', 'c', 'd'].map((owner) => lease(owner, 9)));
          for (const rows of leased) expect(rows.length).toBeLessThanOrEqual(9);
          const ids = leased.flat().map(({ id }) => id);
          expect(new Set(ids).size).toBe(ids.length);
          // SKIP LOCKED may leave rows for the next call; nothing is left after it.
          for (let rest = await lease('e'); rest.length > 0; rest = await lease('e'))
            ids.push(...rest.map(({ id }) => id));
          expect(ids).toHaveLength(30);
        });

        it('are PUBLISHING until the lease runs out, and then anybody’s', async () => {
          const event = claim();
          await addUnpublished(event);
          const [row] = await lease('one');
          expect(row).toMatchObject({ claim: event, status: 'PUBLISHING', leaseOwner: 'one', version: 2, attempts: 0 });
          expect((row?.leaseUntil ?? 0) - (await read((unit) => unit.now()))).toBeGreaterThan(50_000);
          expect(await lease('two')).toEqual([]);
          await setDue(event);
          expect(await lease('two')).toMatchObject([{ leaseOwner: 'two', status: 'PUBLISHING' }]);
        });

        it('come only when due, the longest overdue first', async () => {
          const [late, later, notYet] = [claim(), claim(), claim()];
          await addUnpublished(later, late, notYet);
          await harness.execute('UPDATE failed_events SET next_attempt_at = 5 WHERE claim_id = ?', [late.claimId]);
          await harness.execute('UPDATE failed_events SET next_attempt_at = 9 WHERE claim_id = ?', [later.claimId]);
          await harness.execute('UPDATE failed_events SET next_attempt_at = ? WHERE claim_id = ?', [
            (await read((unit) => unit.now())) + 60_000,
            notYet.claimId,
          ]);
          expect((await lease('one', 1)).map((row) => row.claim?.claimId)).toEqual([late.claimId]);
          expect((await lease('one', 9)).map((row) => row.claim?.claimId)).toEqual([later.claimId]);
        });

        it('are REPUBLISHED and due again after the confirmation time', async () => {
          const event = claim();
          await addUnpublished(event);
          const { id } = await rowOf(event);
          await lease('one');
          await write(({ failedEvents }) => failedEvents.finishLease('one', [id], { kind: 'published' }));
          const row = await rowOf(event);
          expect(row).toMatchObject({ status: 'REPUBLISHED', leaseOwner: null, leaseUntil: null, attempts: 0 });
          const wait = row.nextAttemptAt - (await read((unit) => unit.now()));
          expect(wait).toBeGreaterThan(CONFIRMATION_MS - 5_000);
          expect(wait).toBeLessThanOrEqual(CONFIRMATION_MS);
          await setDue(event);
          expect(await lease('two')).toHaveLength(1);
        });

        it('are PENDING again without an attempt when the log was away', async () => {
          const event = claim();
          await addUnpublished(event);
          const { id } = await rowOf(event);
          await lease('one');
          await write(({ failedEvents }) =>
            failedEvents.finishLease('one', [id], { kind: 'postponed', delayMs: 30_000 }),
          );
          expect(await rowOf(event)).toMatchObject({ status: 'PENDING', leaseOwner: null, attempts: 0 });
          expect(await lease('one')).toEqual([]);
        });

        it('stay as they are for whoever has lost the lease, or was overtaken by the consumer', async () => {
          const [taken, resolved] = [claim(), claim()];
          await addUnpublished(taken, resolved);
          await lease('one');
          await setDue(taken);
          await lease('two');
          await write(({ failedEvents }) => failedEvents.resolve([resolved.claimId]));
          for (const event of [taken, resolved]) {
            const before = await rowOf(event);
            await write(({ failedEvents }) => failedEvents.finishLease('one', [before.id], { kind: 'published' }));
            expect(await rowOf(event)).toEqual(before);
          }
        });

        it('never contain what is unreadable', async () => {
          await write(({ failedEvents }) =>
            failedEvents.quarantine([{ record: record(null), claim: null, failure: POISON }]),
          );
          await harness.execute(
            "UPDATE failed_events SET status = 'PENDING', next_attempt_at = 0 WHERE claim_id IS NULL",
          );
          expect(await lease('one')).toEqual([]);
          await harness.execute("UPDATE failed_events SET status = 'DEAD' WHERE claim_id IS NULL");
        });
      });

      it('are known to exist by the campaign of their claim', async () => {
        const known = claim();
        const exist = (...ids: string[]) => read(({ failedEvents }) => failedEvents.existOf(ids));
        const many = Array.from({ length: 12_000 }, (_, index) => `nothing-${index}`);
        expect(await exist()).toBe(false);
        expect(await exist(known.campaignId)).toBe(false);
        await addUnpublished(known);
        expect(await exist(known.campaignId)).toBe(true);
        expect(await exist('nothing')).toBe(false);
        expect(await exist(...many)).toBe(false);
        expect(await exist(...many, known.campaignId)).toBe(true);
        await write(({ failedEvents }) => failedEvents.resolve([known.claimId]));
        expect(await exist(known.campaignId)).toBe(true);
      });

      describe('finished', () => {
        it('are RESOLVED by the consumer, also from DEAD, but not when DISCARDED', async () => {
          const [pending, dead, discarded] = [claim(), claim(), claim()];
          await addUnpublished(pending, discarded);
          await quarantine(dead, { ...POISON, errorCode: 'unknown-campaign' });
          const { id } = await rowOf(discarded);
          await write(({ failedEvents }) => failedEvents.discard(id, 'operator said so'));
          const ids = [pending, dead, discarded].map(({ claimId }) => claimId);
          await write(({ failedEvents }) => failedEvents.resolve([...ids, 'nobody']));
          expect(await read(({ failedEvents }) => failedEvents.statusesOf([...ids, 'nobody']))).toEqual(
            new Map([
              [pending.claimId, 'RESOLVED'],
              [dead.claimId, 'RESOLVED'],
              [discarded.claimId, 'DISCARDED'],
            ]),
          );
          expect(await rowOf(pending)).toMatchObject({ resolvedBy: 'consumer', version: 2 });
          await write(({ failedEvents }) => failedEvents.resolve(ids));
          expect(await rowOf(pending)).toMatchObject({ version: 2 });
          await write(({ failedEvents }) => failedEvents.resolve([]));
        });

        it('can be requeued: PENDING, due, with all attempts ahead', async () => {
          const event = claim();
          await quarantine(event, { ...POISON, errorCode: 'unknown-campaign' });
          const { id } = await rowOf(event);
          await write(({ failedEvents }) => failedEvents.requeue(id, 'campaign exists now'));
          expect(await rowOf(event)).toMatchObject({
            status: 'PENDING',
            attempts: 0,
            note: 'campaign exists now',
            version: 2,
          });
          expect((await lease('one')).map((row) => row.id)).toEqual([id]);
        });

        it('are unreleased once DISCARDED, until they are marked', async () => {
          const [one, two, kept] = [claim(), claim(), claim()];
          await addUnpublished(one, two, kept);
          const ids = [(await rowOf(one)).id, (await rowOf(two)).id];
          for (const id of ids) await write(({ failedEvents }) => failedEvents.discard(id, 'why'));
          expect(await rowOf(one)).toMatchObject({
            status: 'DISCARDED',
            note: 'why',
            resolvedBy: 'operator',
            version: 2,
          });
          const mine = async () =>
            (await read(({ failedEvents }) => failedEvents.unreleased(1_000)))
              .filter(({ claim: of }) => of?.campaignId === campaignId)
              .map(({ id }) => id);
          expect(await mine()).toEqual(ids);
          await write(({ failedEvents }) => failedEvents.markReleased(ids[0] as number));
          expect(await mine()).toEqual([ids[1]]);
          expect((await rowOf(one)).releasedAt).toEqual(expect.any(Number));
          expect(await read(({ failedEvents }) => failedEvents.unreleased(0))).toEqual([]);
        });
      });

      describe('read', () => {
        it('by the rebuild: what has a claim and is neither RESOLVED nor DISCARDED, in pages', async () => {
          const [pending, leased, dead, resolved, discarded] = [claim(), claim(), claim(), claim(), claim()];
          await addUnpublished(leased);
          await lease('one');
          await addUnpublished(pending, resolved, discarded);
          await quarantine(dead, { ...POISON, errorCode: 'unknown-campaign' });
          const { id } = await rowOf(discarded);
          await write(async ({ failedEvents }) => {
            await failedEvents.resolve([resolved.claimId]);
            await failedEvents.discard(id, 'why');
            await failedEvents.quarantine([{ record: record(null), claim: null, failure: POISON }]);
          });
          const seen: FailedEvent[] = [];
          for (;;) {
            const page = await read(({ failedEvents }) => failedEvents.openClaimsAfter(seen.at(-1)?.id ?? 0, 2));
            seen.push(...page);
            if (page.length < 2) break;
          }
          expect(seen.every((row) => row.claim !== null)).toBe(true);
          expect(
            seen
              .filter((row) => row.claim?.campaignId === campaignId)
              .map((row) => row.claim?.claimId)
              .sort(),
          ).toEqual([pending, leased, dead].map(({ claimId }) => claimId).sort());
        });

        it('by user: the newest row', async () => {
          const userId = `twice-${ulid()}`;
          const [first, second] = [claim({ userId }), claim({ userId })];
          await addUnpublished(first);
          await addUnpublished(second);
          const found = await read(({ failedEvents }) => failedEvents.findByUser(campaignId, userId));
          expect(found?.claim).toEqual(second);
          expect(
            await read(({ failedEvents }) => failedEvents.findByUser(campaignId, userId.toUpperCase())),
          ).toBeNull();
          expect(await read(({ failedEvents }) => failedEvents.find(999_999_999))).toBeNull();
          expect(await write(({ failedEvents }) => failedEvents.lock(999_999_999))).toBeNull();
        });

        it('by operators: newest first, filtered, page by page, and counted', async () => {
          const events = Array.from({ length: 5 }, () => claim());
          await addUnpublished(...events);
          await write(({ failedEvents }) => failedEvents.resolve([events[2]?.claimId ?? '']));
          const list = (filter: { status?: 'PENDING' | 'RESOLVED'; beforeId?: number; limit: number }) =>
            read(({ failedEvents }) => failedEvents.list({ campaignId, ...filter }));
          const first = await list({ limit: 3 });
          const rest = await list({ limit: 3, beforeId: first.at(-1)?.id ?? 0 });
          const ids = [...first, ...rest].map(({ id }) => id);
          expect(ids).toHaveLength(5);
          expect(ids).toEqual([...ids].sort((a, b) => b - a));
          expect(await list({ status: 'RESOLVED', limit: 9 })).toMatchObject([{ claim: events[2] }]);
          expect(await list({ status: 'PENDING', limit: 9 })).toHaveLength(4);
          expect(await read(({ failedEvents }) => failedEvents.countByStatus(campaignId))).toEqual({
            PENDING: 4,
            PUBLISHING: 0,
            REPUBLISHED: 0,
            RESOLVED: 1,
            DEAD: 0,
            DISCARDED: 0,
          });
          const all = await read(({ failedEvents }) => failedEvents.countByStatus());
          expect(all.PENDING).toBeGreaterThanOrEqual(4);
          expect((await read(({ failedEvents }) => failedEvents.countByStatus('nobody'))).PENDING).toBe(0);
        });
      });
    });

    describe('units of work side by side', () => {
      /** Where units of work run side by side, another one gets its turn during these. */
      const linger = async (unit: UnitOfWork) => {
        for (let calls = 0; calls < 30; calls++) await unit.now();
      };
      const settled = async (work: Promise<unknown>[]): Promise<DatabaseError[]> =>
        (await Promise.allSettled(work)).flatMap((outcome) =>
          outcome.status === 'rejected' ? [outcome.reason as DatabaseError] : [],
        );

      it('lock many campaigns in whatever order they are named, and never wait for each other', async () => {
        const ids = [campaignId, (await insertCampaign()).id, (await insertCampaign()).id];
        const errors = await settled(
          Array.from({ length: 24 }, (_, turn) =>
            write(async ({ campaigns }) => {
              const named = turn % 2 === 0 ? ids : [...ids].reverse();
              for (const { id, version } of await campaigns.lock(named)) await campaigns.update(id, {}, version + 1);
            }),
          ),
        );
        expect(errors).toEqual([]);
        for (const { version } of await read(({ campaigns }) => campaigns.findMany(ids))) expect(version).toBe(25);
      });

      it('that wait for each other all the same end: one with its work done, the other one with nothing of it', async () => {
        const ids = [campaignId, (await insertCampaign()).id];
        const errors = await settled(
          [ids, [...ids].reverse()].map((order) =>
            write(async (unit) => {
              for (const id of order) {
                const [row] = await unit.campaigns.lock([id]);
                await unit.campaigns.update(id, {}, (row?.version ?? 0) + 1);
                await linger(unit);
              }
            }),
          ),
        );
        expect(errors.length).toBeLessThanOrEqual(1);
        for (const error of errors) expect(error).toMatchObject({ name: 'DatabaseError', kind: 'infrastructure' });
        for (const { version } of await read(({ campaigns }) => campaigns.findMany(ids))) {
          expect(version).toBe(3 - errors.length);
        }
      });

      it('store one coupon for one user, and tell all others of a duplicate', async () => {
        const userId = `rival-${ulid()}`;
        const errors = await settled(
          Array.from({ length: 8 }, () =>
            write(async (unit) => {
              await unit.gate.lockShared();
              await unit.coupons.insert([coupon({ userId })]);
              await linger(unit);
            }),
          ),
        );
        expect(errors).toHaveLength(7);
        // Rivals for one key may also become each other's deadlock.
        for (const { name, kind } of errors) {
          expect(name).toBe('DatabaseError');
          expect(['duplicate', 'infrastructure']).toContain(kind);
        }
        expect(await read(({ coupons }) => coupons.count(campaignId))).toBe(1);
      });

      it('see what another one has committed as soon as they hold the lock', async () => {
        const seen: number[] = [];
        await Promise.all(
          Array.from({ length: 10 }, () =>
            write(async (unit) => {
              await unit.gate.lockShared();
              // Looked at before the lock is held, the row must not stay as it was then.
              await unit.campaigns.find(campaignId);
              const [row] = await unit.campaigns.lock([campaignId]);
              seen.push(row?.issued ?? -1);
              await unit.campaigns.addIssued(campaignId, 1, 1);
            }),
          ),
        );
        expect(seen.sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      });

      it('write nothing under an epoch that is over', async () => {
        const first = (await read(({ gate }) => gate.read())).epoch;
        const claims: Promise<unknown>[] = [];
        let over = false;
        const late: number[] = [];
        const claimUnder = () =>
          write(async (unit) => {
            const { epoch } = await unit.gate.lockShared();
            if (epoch === first && over) late.push(epoch);
            const event = claimEvent({ campaignId, epoch });
            await unit.failedEvents.addUnpublished([{ claim: event, source: 'API', failure: FAILURE }]);
          });
        for (let count = 0; count < 10; count++) claims.push(claimUnder());
        const countOfFirst = () =>
          harness.execute('SELECT COUNT(*) AS count FROM failed_events WHERE campaign_id = ? AND epoch = ?', [
            campaignId,
            first,
          ]);
        await write(async (unit) => {
          await unit.gate.lockExclusive();
          await unit.gate.beginEpoch('contract', first + 1, 10_000);
        });
        over = true;
        const before = await countOfFirst();
        for (let count = 0; count < 10; count++) claims.push(claimUnder());
        await Promise.all(claims);
        expect(late).toEqual([]);
        expect(await countOfFirst()).toEqual(before);
      });

      it('lease disjoint failed events, also while none of them has committed', async () => {
        await harness.execute('UPDATE failed_events SET next_attempt_at = 8640000000000000');
        const events = Array.from({ length: 20 }, () => claimEvent({ campaignId }));
        await write(({ failedEvents }) =>
          failedEvents.addUnpublished(events.map((claim) => ({ claim, source: 'API' as const, failure: FAILURE }))),
        );
        const leases = await Promise.all(
          ['a', 'b', 'c', 'd'].map((owner) =>
            write(async (unit) => {
              const rows = await unit.failedEvents.lease(owner, 5, 60_000);
              await linger(unit);
              return rows;
            }),
          ),
        );
        const ids = leases.flat().map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const [index, owner] of ['a', 'b', 'c', 'd'].entries()) {
          for (const row of leases[index] ?? []) expect(row.leaseOwner).toBe(owner);
        }
      });

      it('show a claim that moves from one table to another exactly once in a snapshot', async () => {
        const events = Array.from({ length: 12 }, () => claimEvent({ campaignId }));
        await write(({ failedEvents }) =>
          failedEvents.addUnpublished(events.map((claim) => ({ claim, source: 'API' as const, failure: FAILURE }))),
        );
        const moving = Promise.all(
          events.map(({ userId, claimId, sequence, claimedAt }) =>
            write(async (unit) => {
              await unit.coupons.insert([coupon({ userId, claimId, sequence, claimedAt })]);
              await unit.failedEvents.resolve([claimId]);
            }),
          ),
        );
        const look = () =>
          database.snapshot(async (unit) => {
            const issued = await unit.coupons.findByUsers(events);
            for (let calls = 0; calls < 5; calls++) await unit.now();
            const statuses = await unit.failedEvents.statusesOf(events.map(({ claimId }) => claimId));
            const open = [...statuses].filter(([, status]) => status === 'PENDING').map(([claimId]) => claimId);
            return [...issued.map(({ claimId }) => claimId), ...open].sort();
          });
        const all = events.map(({ claimId }) => claimId).sort();
        for (const seen of await Promise.all(Array.from({ length: 6 }, look))) expect(seen).toEqual(all);
        await moving;
        expect(await look()).toEqual(all);
      });
    });

    describe('campaigns that were made under a key', () => {
      const creation = ({ id, name, total, startsAt, endsAt }: Campaign, keyDigest = digestOf(ulid())) => ({
        keyDigest,
        requestDigest: digestOf('what was asked for'),
        campaign: { id, name, total, startsAt, endsAt },
        at: 1_764_000_000_123,
      });

      it('are found by the key, as they were made', async () => {
        const campaign = await insertCampaign({ name: '점심 🎟️ 쿠폰', endsAt: 4_000_000_000_000 });
        const made = creation(campaign);
        await write(({ creations }) => creations.insert(made));
        await write(({ campaigns }) => campaigns.update(campaign.id, { name: 'changed' }, 2));
        expect(await read(({ creations }) => creations.find(made.keyDigest))).toEqual(made);
        expect(await read(({ creations }) => creations.find(made.keyDigest.toLowerCase()))).toBeNull();
      });

      it('exist once for a key, and the second one takes its campaign with it', async () => {
        const made = creation(await insertCampaign());
        await write(({ creations }) => creations.insert(made));
        const id = ulid();
        const second = write(async ({ campaigns, creations }) => {
          const campaign = await campaigns.insert({
            id,
            name: id,
            total: 1,
            startsAt: 0,
            endsAt: null,
            state: 'OPEN',
          });
          await creations.insert(creation(campaign, made.keyDigest));
        });
        expect(await kindOf(second)).toBe('duplicate');
        expect(await read(({ campaigns }) => campaigns.find(id))).toBeNull();
      });
    });

    it('keeps operator actions with the transaction that made them', async () => {
      const subject = ulid();
      const action = {
        action: 'campaign.pause',
        subject,
        requestId: null,
        detail: { name: '이름', nested: { total: 1 } },
      };
      await write(({ audit }) => audit.record(action));
      await write(async ({ audit }) => {
        await audit.record({ ...action, requestId: 'gone' });
        throw new Undo();
      }).catch(() => undefined);
      const rows = (await harness.execute('SELECT action, request_id, detail FROM admin_audit WHERE subject = ?', [
        subject,
      ])) as { action: string; request_id: string | null; detail: string }[];
      expect(rows).toHaveLength(1);
      expect(rows[0]).toMatchObject({ action: 'campaign.pause', request_id: null });
      expect(JSON.parse(rows[0]?.detail ?? '')).toEqual(action.detail);
    });
  });
}
