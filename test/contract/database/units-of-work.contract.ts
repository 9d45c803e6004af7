import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { BY_SERVICE } from '../../../src/platform/identity/actor.js';
import { type Campaign } from '../../../src/domain/campaign.js';
import { type Database } from '../../../src/ports/database/database.js';
import { claimEvent } from '../../support/claims.js';
import { type DatabaseHarness, type DatabaseUnderTest, Undo } from './database-under-test.js';

export function describeUnitsOfWork(under: DatabaseUnderTest): void {
  describe('units of work', () => {
    const { write, read, insertCampaign, coupon, kindOf } = under;
    let harness: DatabaseHarness;
    let database: Database;
    beforeAll(() => {
      ({ harness, database } = under);
    });
    let campaignId: string;
    beforeEach(() => {
      ({ campaignId } = under);
    });

    it('commits when the work resolves, and returns its result', async () => {
      const id = ulid();
      expect(await insertCampaign({ id }).then((campaign) => campaign.id)).toBe(id);
      expect(await read(({ campaigns }) => campaigns.find(id))).toMatchObject({ id });
    });

    it('undoes everything when the work rejects, and rejects with the same error', async () => {
      const [id, error] = [ulid(), new Undo('changed my mind')];
      const work = write(async ({ campaigns, coupons, audit }) => {
        await campaigns.insert({ id, name: id, total: 1, startsAt: 0, endsAt: null, state: 'OPEN' });
        await coupons.insert([coupon({ campaignId: id })]);
        await audit.record({ action: 'test', subject: id, campaignId: null, by: BY_SERVICE, detail: {} });
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

    it('keeps what another call committed while a unit of work rolled back', async () => {
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

    it('keeps what the log acknowledged while a unit of work rolled back', async () => {
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

    it('lets a call go on that a finished unit of work did not wait for', async () => {
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

    it('shows one instant in a snapshot, whatever is written at the same time', async () => {
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

    it('tells the time in whole ms, close to the clock of this process', async () => {
      const now = await read((unit) => unit.now());
      expect(Number.isInteger(now)).toBe(true);
      expect(Math.abs(now - Date.now())).toBeLessThan(60_000);
    });
  });
}
