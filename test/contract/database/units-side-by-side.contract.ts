import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type DatabaseError } from '../../../src/ports/database/database-error.js';
import { type Database, type UnitOfWork } from '../../../src/ports/database/database.js';
import { type Failure } from '../../../src/ports/database/failed-event-store.js';
import { claimEvent } from '../../support/claims.js';
import { type DatabaseHarness, type DatabaseUnderTest } from './database-under-test.js';

const FAILURE: Failure = { errorClass: 'unpublished', errorCode: 'log-away', errorMessage: 'the log did not answer' };

export function describeUnitsSideBySide(under: DatabaseUnderTest): void {
  describe('units of work side by side', () => {
    const { write, read, insertCampaign, coupon } = under;
    let harness: DatabaseHarness;
    let database: Database;
    beforeAll(() => {
      ({ harness, database } = under);
    });
    let campaignId: string;
    beforeEach(() => {
      ({ campaignId } = under);
    });

    /** If units of work run side by side, another one runs during these calls. */
    const linger = async (unit: UnitOfWork) => {
      for (let calls = 0; calls < 30; calls++) await unit.now();
    };
    const settled = async (work: Promise<unknown>[]): Promise<DatabaseError[]> =>
      (await Promise.allSettled(work)).flatMap((outcome) =>
        outcome.status === 'rejected' ? [outcome.reason as DatabaseError] : [],
      );

    it('lock many campaigns, named in any order, without a deadlock', async () => {
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

    it('end also in a deadlock: one with all of its work done, the other with none of it', async () => {
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

    it('store one coupon for one user, and refuse all others as duplicates', async () => {
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
      // Rivals for one key may also cause a deadlock.
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
            // This read before the lock must not fix what the read after it shows.
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
            const rows = await unit.failedEvents.lease(owner, 5, 60_000, null);
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
            await unit.campaigns.lock([campaignId]);
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
}
