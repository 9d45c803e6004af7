import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type Campaign } from '../../../src/domain/campaign.js';
import { CampaignMilestones1764200000000 } from '../../../src/infrastructure/sql/migrations/1764200000000-campaign-milestones.js';
import { Entry1766300000000 } from '../../../src/infrastructure/sql/migrations/1766300000000-entry.js';
import { type DatabaseHarness, type DatabaseUnderTest } from './database-under-test.js';

export function describeCampaignStore(under: DatabaseUnderTest): void {
  describe('campaigns', () => {
    const { write, read, insertCampaign, coupon, kindOf } = under;
    let harness: DatabaseHarness;
    beforeAll(() => {
      ({ harness } = under);
    });
    let campaignId: string;
    beforeEach(() => {
      ({ campaignId } = under);
    });

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
      // Several campaigns of one ms: pages must not lose or repeat any of them.
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
        const page = await read(({ campaigns }) => campaigns.listAtGate(all.at(-1) ?? '', 3));
        all.push(...page.map(({ id }) => id));
        if (page.length < 3) break;
      }
      expect(all).toContain(campaignId);
      expect(all).toEqual([...all].sort());
      expect(new Set(all).size).toBe(all.length);
    });

    describe('at the gate', () => {
      /** Ids of all pages. */
      const listed = async (page: (after: string) => Promise<Campaign[]>): Promise<string[]> => {
        const ids: string[] = [];
        for (;;) {
          const found = await page(ids.at(-1) ?? '');
          ids.push(...found.map(({ id }) => id));
          if (found.length < 2) return ids;
        }
      };
      const atGate = () => listed((after) => read(({ campaigns }) => campaigns.listAtGate(after, 2)));
      const ended = (before: number) =>
        listed((after) => read(({ campaigns }) => campaigns.listEnded(before, after, 2)));
      const closed = (before: number) =>
        listed((after) => read(({ campaigns }) => campaigns.listClosed(before, after, 2)));
      const uncleared = async () => (await read(({ campaigns }) => campaigns.listUncleared(100))).map(({ id }) => id);

      it('are all until they leave, and wait to be cleared from then on', async () => {
        const { id } = await insertCampaign({ state: 'CLOSED' });
        expect(await atGate()).toContain(id);
        expect(await closed(Number.MAX_SAFE_INTEGER)).toContain(id);
        await write(({ campaigns }) => campaigns.markCleared(id));
        expect(await atGate()).toContain(id);
        await write(({ campaigns }) => campaigns.markLeft(id));
        const left = await read(async (unit) => ({ campaign: await unit.campaigns.find(id), now: await unit.now() }));
        expect(left.campaign).toMatchObject({ id, state: 'CLOSED', version: 1 });
        expect(left.campaign?.leftGateAt).toBeLessThanOrEqual(left.now);
        expect(left.campaign?.leftGateAt).toBeGreaterThan(left.now - 600_000);
        expect(await atGate()).not.toContain(id);
        expect(await closed(Number.MAX_SAFE_INTEGER)).not.toContain(id);
        expect(await uncleared()).toContain(id);
        await write(({ campaigns }) => campaigns.markCleared(id));
        expect(await uncleared()).not.toContain(id);
        expect(await atGate()).not.toContain(id);
      });

      it('are listed as ended when they are open and their window is over', async () => {
        const over = await insertCampaign({ startsAt: 1, endsAt: 5_000 });
        const others = [
          await insertCampaign({ startsAt: 1, endsAt: 5_001 }),
          await insertCampaign({ startsAt: 1 }),
          await insertCampaign({ startsAt: 1, endsAt: 5_000, state: 'PAUSED' }),
          await insertCampaign({ startsAt: 1, endsAt: 5_000, state: 'CLOSED' }),
        ];
        const found = await ended(5_000);
        expect(found).toContain(over.id);
        for (const { id } of others) expect(found).not.toContain(id);
      });

      it('are listed as closed when they have not changed since', async () => {
        const { id } = await insertCampaign();
        const { updatedAt } = await write(({ campaigns }) => campaigns.update(id, { state: 'CLOSED' }, 2));
        expect(await closed(updatedAt)).toContain(id);
        expect(await closed(updatedAt - 1)).not.toContain(id);
        expect(await closed(updatedAt)).not.toContain(campaignId);
      });
    });

    it('change only the named fields', async () => {
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

    it('keep what they ask of a caller, and ask for nothing unless they are told to', async () => {
      const free = await insertCampaign();
      expect(free).toMatchObject({ requireEntry: false, challenge: 'none', challengeCost: 2_000 });
      expect(await read(({ campaigns }) => campaigns.find(free.id))).toEqual(free);
      const terms = { requireEntry: true, challenge: 'proof-of-work', challengeCost: 500 } as const;
      const asking = await insertCampaign(terms);
      expect(asking).toMatchObject(terms);
      const closed = await insertCampaign({ ...terms, state: 'CLOSED' });
      const paused = await insertCampaign({ ...terms, state: 'PAUSED', challenge: 'turnstile' });
      const requiring = async () => {
        const all = await read(({ campaigns }) => campaigns.requiringEntry());
        return all.filter(({ id }) => [free, asking, closed, paused].some((campaign) => campaign.id === id));
      };
      const [first, second] = [asking, paused].map(({ id, challenge }) => ({ id, challenge, challengeCost: 500 }));
      expect(await requiring()).toHaveLength(2);
      expect(await requiring()).toEqual(expect.arrayContaining([first, second]));
      const changed = await write(({ campaigns }) => campaigns.update(asking.id, { requireEntry: false }, 2));
      expect(changed).toMatchObject({ ...terms, requireEntry: false, version: 2 });
      expect(changed).toEqual(await read(({ campaigns }) => campaigns.find(asking.id)));
      await write(({ campaigns }) => campaigns.update(free.id, { requireEntry: true }, 2));
      expect((await requiring()).map(({ id }) => id).sort()).toEqual([free.id, paused.id].sort());
    });

    it('that a version without entries makes ask for none, also after a migration that was killed half way', async () => {
      const { id } = await insertCampaign({ requireEntry: true });
      await harness.withRunner(async (runner) => {
        const migration = new Entry1766300000000();
        await migration.down(runner);
        await runner.query('ALTER TABLE campaigns ADD COLUMN require_entry BIGINT NOT NULL DEFAULT 0');
        await migration.up(runner);
        // Once more, as if the migration was killed before it was recorded as done.
        await migration.up(runner);
      });
      const campaign = await read(({ campaigns }) => campaigns.find(id));
      expect(campaign).toMatchObject({ requireEntry: false, challenge: 'none', challengeCost: 2_000 });
    });

    const milestones = async (id: string) => {
      const campaign = await read(({ campaigns }) => campaigns.find(id));
      const [locked] = await write(({ campaigns }) => campaigns.lock([id]));
      expect(locked).toEqual(campaign);
      return { lastClaimedAt: campaign?.lastClaimedAt, soldOutAt: campaign?.soldOutAt, issued: campaign?.issued };
    };

    it('are sold out with the last coupon, at the time of the latest claim, in any order of counting', async () => {
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

    it('are no longer sold out after a raise, and are again with the new last coupon', async () => {
      const { id } = await insertCampaign({ total: 1 });
      await write(({ campaigns }) => campaigns.addIssued(id, 1, 1_000));
      const raised = await write(({ campaigns }) => campaigns.update(id, { total: 2 }, 2));
      expect(raised).toEqual(await read(({ campaigns }) => campaigns.find(id)));
      expect(raised).toMatchObject({ total: 2, version: 2, soldOutAt: null });
      await write(({ campaigns }) => campaigns.addIssued(id, 1, 2_000));
      expect(await milestones(id)).toEqual({ lastClaimedAt: 2_000, soldOutAt: 2_000, issued: 2 });
    });

    it('are sold out from now on when the total is lowered to the number of issued coupons', async () => {
      const { id, createdAt } = await insertCampaign({ total: 3 });
      await write(({ campaigns }) => campaigns.addIssued(id, 1, 1_000));
      await write(({ campaigns }) => campaigns.update(id, { total: 2 }, 2));
      expect(await milestones(id)).toMatchObject({ soldOutAt: null });
      await write(({ campaigns }) => campaigns.update(id, { total: 1 }, 3));
      expect((await milestones(id)).soldOutAt).toBeGreaterThanOrEqual(createdAt);
    });

    it('are marked as opened by one of several processes, once for a window', async () => {
      const { id } = await insertCampaign({ startsAt: 1_764_000_000_000 });
      const mark = (version = 1) => write(({ campaigns }) => campaigns.markOpened(id, version));
      expect((await Promise.all([mark(), mark(), mark()])).filter(Boolean)).toHaveLength(1);
      expect(await read(({ campaigns }) => campaigns.find(id))).toMatchObject({ openedAt: 1_764_000_000_000 });
      await write(({ campaigns }) => campaigns.update(id, { startsAt: 1_764_000_000_001 }, 2));
      expect(await mark(2)).toBe(false);
      const later = Date.now() + 86_400_000;
      const put = await write(({ campaigns }) => campaigns.update(id, { startsAt: later }, 3));
      expect(put.openedAt).toBeNull();
      // This process has read the window before it was moved.
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
        // Once more, as if the migration was killed before it was recorded as done.
        await migration.up(runner);
      });
      for (const [id, expected] of rows) {
        expect(await read(({ campaigns }) => campaigns.find(id))).toMatchObject(expected);
      }
    });

    it('never hold more issued than the total, neither by issuing nor by lowering', async () => {
      const { id } = await insertCampaign({ total: 3 });
      await write(({ campaigns }) => campaigns.addIssued(id, 3, 1));
      expect(await kindOf(write(({ campaigns }) => campaigns.addIssued(id, 1, 1)))).toBe('unknown');
      expect(await kindOf(write(({ campaigns }) => campaigns.update(id, { total: 2 }, 2)))).toBe('unknown');
      expect(await kindOf(write(({ campaigns }) => campaigns.addIssued(id, -4, 1)))).toBe('unknown');
      expect(await read(({ campaigns }) => campaigns.find(id))).toMatchObject({ issued: 3, total: 3, version: 1 });
    });
  });
}
