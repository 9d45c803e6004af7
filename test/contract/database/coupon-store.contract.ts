import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { WiderUserIds1766100000000 } from '../../../src/infrastructure/sql/migrations/1766100000000-wider-user-ids.js';
import { type CouponPosition, type IssuedClaim } from '../../../src/ports/database/coupon-store.js';
import { type Database } from '../../../src/ports/database/database.js';
import { PROVIDER_IDS } from '../../support/user-ids.js';
import { type DatabaseHarness, type DatabaseUnderTest } from './database-under-test.js';

export function describeCouponStore(under: DatabaseUnderTest): void {
  describe('coupons', () => {
    const { write, read, insertCampaign, coupon, kindOf } = under;
    let database: Database;
    let harness: DatabaseHarness;
    beforeAll(() => {
      ({ database, harness } = under);
    });
    let campaignId: string;
    beforeEach(() => {
      ({ campaignId } = under);
    });

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

    it('are inserted all or none, also if the unit of work goes on after the refusal', async () => {
      const first = coupon();
      await write(({ coupons }) => coupons.insert([first]));
      await write(async ({ coupons }) => {
        const mixed = [coupon(), coupon({ userId: first.userId }), coupon()];
        expect(await kindOf(coupons.insert(mixed))).toBe('duplicate');
        // The coupon that was refused together with a duplicate is not stored.
        expect((await coupons.findByUsers(mixed)).map(({ claimId }) => claimId)).toEqual([first.claimId]);
        await coupons.insert(mixed.filter(({ userId }) => userId !== first.userId));
      });
      expect(await read(({ coupons }) => coupons.count(campaignId))).toBe(3);
    });

    it('refuse a campaign that does not exist as data', async () => {
      expect(await kindOf(write(({ coupons }) => coupons.insert([coupon({ campaignId: 'nobody' })])))).toBe('data');
    });

    it('come back of every user whom an identity provider names, each its own', async () => {
      const rows = PROVIDER_IDS.map((userId) => coupon({ userId }));
      await write(({ coupons }) => coupons.insert(rows));
      for (const { userId, claimId } of rows) {
        expect(await read(({ coupons }) => coupons.find(campaignId, userId))).toMatchObject({ userId, claimId });
      }
      const found = await read(({ coupons }) => coupons.findByUsers(rows));
      expect(found.map(({ claimId }) => claimId).sort()).toEqual(rows.map(({ claimId }) => claimId).sort());
      // The audit counts them page by page, in the order of their ids.
      let [counted, after] = [0, ''];
      for (;;) {
        const from = after;
        const page = await read(({ coupons }) => coupons.countNext(campaignId, from, 3, Number.MAX_SAFE_INTEGER));
        counted += page.counted;
        if (page.lastUserId === null) break;
        after = page.lastUserId;
      }
      expect(counted).toBe(rows.length);
    });

    it('of an older schema are kept when user ids may be longer, also by a migration that was killed half way', async () => {
      for (const table of ['coupons', 'failed_events']) {
        await harness.execute(`DELETE FROM ${table} WHERE LENGTH(user_id) > 64`);
      }
      const old = coupon({ userId: 'u'.repeat(64) });
      const long = coupon({ userId: 'u'.repeat(128) });
      const migration = new WiderUserIds1766100000000();
      await harness.withRunner((runner) => migration.down(runner));
      await write(({ coupons }) => coupons.insert([old]));
      await harness.withRunner(async (runner) => {
        await migration.up(runner);
        // Once more, as if the migration was killed before it was recorded as done.
        await migration.up(runner);
      });
      await write(({ coupons }) => coupons.insert([long]));
      const found = await read(({ coupons }) => coupons.findByUsers([old, long]));
      expect(found.map(({ userId }) => userId.length).sort()).toEqual([128, 64]);
      expect(await kindOf(write(({ coupons }) => coupons.insert([coupon({ userId: old.userId })])))).toBe('duplicate');
    });

    it('may have one user in many campaigns, and users whose ids differ only by case', async () => {
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

    it('of one user are listed newest first, page by page', async () => {
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

    it('of one campaign are listed in the order of their claims, and in the reverse order, page by page', async () => {
      const other = (await insertCampaign()).id;
      // Several claims of one millisecond, and rows that were stored in another order than they were claimed.
      const rows = [5, 1, 4, 2, 3].map((sequence) => coupon({ sequence, claimedAt: 1_000 + Math.ceil(sequence / 2) }));
      await write(({ coupons }) => coupons.insert([...rows, coupon({ campaignId: other })]));
      const list = async (order: 'oldest-first' | 'newest-first', filter: object = {}) => {
        const found: number[] = [];
        let after: CouponPosition | undefined;
        for (let count = 0; count < 9; count++) {
          const page = await read(({ coupons }) => coupons.listByCampaign({ campaignId, ...filter }, order, 2, after));
          found.push(...page.map(({ sequence }) => sequence));
          after = page.at(-1);
          if (page.length < 2) return found;
        }
        throw new Error('the list does not end');
      };
      expect(await list('oldest-first')).toEqual([1, 2, 3, 4, 5]);
      expect(await list('newest-first')).toEqual([5, 4, 3, 2, 1]);
      expect(await list('oldest-first', { from: 1_002 })).toEqual([3, 4, 5]);
      expect(await list('newest-first', { to: 1_002 })).toEqual([2, 1]);
      expect(await list('oldest-first', { from: 1_002, to: 1_003 })).toEqual([3, 4]);
      expect(await list('oldest-first', { userId: rows[0]?.userId })).toEqual([5]);
      expect(await list('oldest-first', { userId: rows[0]?.userId.toUpperCase() })).toEqual([]);
      const [whole] = await read(({ coupons }) => coupons.listByCampaign({ campaignId }, 'newest-first', 1));
      // Stored as 5, 1, 4, 2, 3, so the claim with sequence 5 has the lowest id.
      expect(await list('oldest-first', { lastId: whole?.id ?? 0 })).toEqual([5]);
      expect(await list('oldest-first', { lastId: (whole?.id ?? 0) - 1 })).toEqual([]);
      expect(whole).toEqual({ ...rows[0], id: expect.any(Number) });
    });

    it('of one campaign are listed for the rebuild in the order of their claims, page after page', async () => {
      const { id: other } = await insertCampaign();
      // A page may end in the middle of an instant, and of a sequence that two of them have: none of them may be left out,
      // because the gate would sell its slot again.
      const rows = Array.from({ length: 24 }, (_, index) =>
        coupon({
          claimedAt: 1_764_000_000_000 + Math.floor(index / 12),
          sequence: 1 + Math.floor(index / 9),
          ...(index % 3 === 0 ? { campaignId: other } : {}),
        }),
      );
      await write(({ coupons }) => coupons.insert(rows));
      for (const size of [1, 2, 3, 5, 7]) {
        const found: IssuedClaim[] = [];
        await database.snapshot(async ({ coupons }) => {
          for (;;) {
            const page = await coupons.listIssuedOf(campaignId, found.at(-1) ?? null, size);
            found.push(...page);
            if (page.length < size) break;
          }
        });
        expect(found.map(({ claimId }) => claimId)).toEqual(
          rows.filter((row) => row.campaignId !== other).map(({ claimId }) => claimId),
        );
      }
      const all = await read(({ coupons }) => coupons.listIssuedOfAll([other, campaignId]));
      const known = await read(({ coupons }) => coupons.findByUsers(rows));
      expect(new Set(all)).toEqual(new Set(known));
      expect(all).toHaveLength(24);
      expect(await read(({ coupons }) => coupons.listIssuedOfAll([]))).toEqual([]);
    });

    it('can be read and written in lists with more values than a statement may have parameters', async () => {
      const rows = Array.from({ length: 5_000 }, (_, index) =>
        coupon({ claimId: `C${index}-${campaignId}`.slice(0, 26) }),
      );
      await write(({ coupons }) => coupons.insert(rows));
      expect(await read(({ coupons }) => coupons.count(campaignId))).toBe(5_000);
      const pairs = [...rows, ...Array.from({ length: 35_000 }, (_, user) => ({ campaignId, userId: `none-${user}` }))];
      expect(await read(({ coupons }) => coupons.findByUsers(pairs))).toHaveLength(5_000);
    });

    it('are counted page by page, as they were when the highest id was read', async () => {
      const users = ['alice', 'Alice', 'bob', 'b', 'z', 'a'];
      await write(({ coupons }) => coupons.insert(users.map((userId) => coupon({ userId }))));
      const lastId = await read(({ coupons }) => coupons.lastId());
      await write(({ coupons }) => coupons.insert([coupon({ userId: 'ann' }), coupon({ userId: 'zoe' })]));
      expect(await read(({ coupons }) => coupons.lastId())).toBeGreaterThan(lastId);
      for (const limit of [1, 2, 3, 8, 9]) {
        const counted: number[] = [];
        let after: string | null = '';
        while (after !== null) {
          const from: string = after;
          const page = await read(({ coupons }) => coupons.countNext(campaignId, from, limit, lastId));
          expect(page.counted).toBeLessThanOrEqual(limit);
          counted.push(page.counted);
          after = page.lastUserId;
        }
        expect(counted.reduce((sum, count) => sum + count)).toBe(6);
        expect(counted.length).toBe(Math.floor(8 / limit) + 1);
      }
      expect(await read(({ coupons }) => coupons.count(campaignId))).toBe(8);
    });

    it('are inserted all or none from a long list, too', async () => {
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
}
