import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type ClaimEvent } from '../../../src/domain/claim.js';
import { FailedEventsOverYears1765100000000 } from '../../../src/infrastructure/sql/migrations/1765100000000-failed-events-over-years.js';
import {
  type FailedEventStatus,
  type PruneCursor,
  type PrunedPage,
} from '../../../src/ports/database/failed-event-store.js';
import { claimEvent } from '../../support/claims.js';
import { type DatabaseHarness, type DatabaseUnderTest } from './database-under-test.js';

const FAILURE = { errorClass: 'unpublished', errorCode: 'log-away', errorMessage: 'the log did not answer' };
const DAY_MS = 86_400_000;

/** What keeps the table small, and every question about it cheap. */
export function describeFailedEventsOverYears(under: DatabaseUnderTest): void {
  describe('failed events of years', () => {
    const { write, read, insertCampaign } = under;
    let harness: DatabaseHarness;
    beforeAll(() => {
      ({ harness } = under);
    });
    let campaignId: string;
    beforeEach(() => {
      ({ campaignId } = under);
    });

    const add = async (count: number, over: Partial<ClaimEvent> = {}): Promise<ClaimEvent[]> => {
      const claims = Array.from({ length: count }, (_, index) =>
        claimEvent({ campaignId, sequence: index + 1, ...over }),
      );
      await write(({ failedEvents }) =>
        failedEvents.addUnpublished(claims.map((claim) => ({ claim, source: 'API', failure: FAILURE }))),
      );
      return claims;
    };
    const resolve = (claims: readonly ClaimEvent[]) =>
      write(({ failedEvents }) => failedEvents.resolve(claims.map(({ claimId }) => claimId)));
    const age = (claims: readonly ClaimEvent[], ms: number) =>
      harness.execute(
        'UPDATE failed_events SET next_attempt_at = next_attempt_at - ?, updated_at = updated_at - ? ' +
          `WHERE claim_id IN (${claims.map(() => '?').join(', ')})`,
        [ms, ms, ...claims.map(({ claimId }) => claimId)],
      );
    const statusesOf = (claims: readonly ClaimEvent[]) =>
      read(({ failedEvents }) => failedEvents.statusesOf(claims.map(({ claimId }) => claimId)));
    const pruneAll = async (ageMs: number, limit: number): Promise<number> => {
      let deleted = 0;
      let after: PruneCursor | null = null;
      do {
        const from = after;
        const page: PrunedPage = await write(({ failedEvents }) => failedEvents.pruneResolved(ageMs, limit, from));
        deleted += page.deleted;
        after = page.next;
      } while (after !== null);
      return deleted;
    };

    it('are pruned when they were resolved long ago, and no others', async () => {
      const old = await add(7);
      const young = await add(2);
      await resolve([...old, ...young]);
      const open = await add(5, { sequence: 1_000 });
      const statuses: FailedEventStatus[] = ['PENDING', 'PUBLISHING', 'REPUBLISHED', 'DEAD', 'DISCARDED'];
      for (const [index, status] of statuses.entries()) {
        await harness.execute('UPDATE failed_events SET status = ? WHERE claim_id = ?', [status, open[index]?.claimId]);
      }
      await age([...old, ...open], 31 * DAY_MS);
      // A row that was due long ago, and was resolved a moment ago.
      const late = await add(1, { sequence: 3 });
      await age(late, 31 * DAY_MS);
      await resolve(late);
      expect(await pruneAll(30 * DAY_MS, 3)).toBe(7);
      expect((await statusesOf(old)).size).toBe(0);
      expect((await statusesOf([...young, ...late])).size).toBe(3);
      expect([...(await statusesOf(open)).values()].sort()).toEqual(statuses.sort());
      expect(await pruneAll(30 * DAY_MS, 3)).toBe(0);
    });

    it('keep the highest sequence of each campaign, also of what was pruned', async () => {
      const others = await insertCampaign();
      const mine = await add(5);
      const theirs = await add(3, { campaignId: others.id, sequence: 77 });
      const highest = () =>
        read(({ failedEvents }) => failedEvents.highestSequences([campaignId, others.id, 'nothing']));
      const before = new Map([
        [campaignId, 5],
        [others.id, 77],
      ]);
      expect(await highest()).toEqual(before);
      await resolve([...mine, ...theirs]);
      await age([...mine, ...theirs], 31 * DAY_MS);
      // Page by page, the first of which may hold nothing but rows that stay.
      await pruneAll(30 * DAY_MS, 1);
      expect((await statusesOf(mine)).size).toBe(1);
      expect(await highest()).toEqual(before);
      expect(await read(({ failedEvents }) => failedEvents.highestSequences([]))).toEqual(new Map());
    });

    it('are counted as resolved for ever, by campaign and in all', async () => {
      const inAll = async () => (await read(({ failedEvents }) => failedEvents.countByStatus())).RESOLVED;
      const before = await inAll();
      const claims = await add(4);
      await resolve(claims);
      await resolve(claims);
      await age(claims, 31 * DAY_MS);
      await pruneAll(30 * DAY_MS, 100);
      await add(2, { sequence: 9 });
      const counts = await read(({ failedEvents }) => failedEvents.countByStatus(campaignId));
      expect(counts).toMatchObject({ PENDING: 2, RESOLVED: 4 });
      expect((await inAll()) - before).toBe(4);
    });

    it('lose their message when they were discarded long ago, and are known as discarded for ever', async () => {
      const [old, young] = [claimEvent({ campaignId }), claimEvent({ campaignId })];
      const bytes = { key: Buffer.from('k'), value: Buffer.from('v'), headers: { h: Buffer.from('x') } };
      const records = [old, young].map((claim, offset) => ({
        record: { topic: 't', partition: 0, offset, ...bytes },
        claim,
        failure: { ...FAILURE, errorClass: 'poison' },
      }));
      await write(({ failedEvents }) => failedEvents.quarantine(records));
      for (const { id } of await read(({ failedEvents }) =>
        failedEvents.findByClaimIds([old.claimId, young.claimId]),
      )) {
        await write(({ failedEvents }) => failedEvents.discard(id, 'why'));
      }
      await age([old], 31 * DAY_MS);
      const empty = () => write(({ failedEvents }) => failedEvents.emptyDiscarded(30 * DAY_MS, 100));
      expect(await empty()).toBe(1);
      expect(await empty()).toBe(0);
      const kept = async ({ claimId }: ClaimEvent) =>
        (await harness.execute('SELECT payload, message_key, headers FROM failed_events WHERE claim_id = ?', [
          claimId,
        ])) as { payload: unknown; message_key: unknown; headers: unknown }[];
      expect(await kept(old)).toMatchObject([{ payload: null, message_key: null, headers: null }]);
      const [emptied] = await read(({ failedEvents }) => failedEvents.findByClaimIds([old.claimId]));
      expect(await read(({ failedEvents }) => failedEvents.messageOf(emptied?.id ?? 0))).toBeNull();
      expect((await kept(young))[0]?.payload).not.toBeNull();
      expect([...(await statusesOf([old, young])).values()]).toEqual(['DISCARDED', 'DISCARDED']);
    });

    it('are listed newest first whatever their statuses are', async () => {
      const claims = await add(9);
      await resolve(claims.slice(0, 3));
      await harness.execute("UPDATE failed_events SET status = 'DEAD' WHERE claim_id = ?", [claims[4]?.claimId]);
      const pages: (string | undefined)[] = [];
      for (let beforeId: number | undefined; ;) {
        const page = await read(({ failedEvents }) =>
          failedEvents.list({ campaignId, limit: 2, ...(beforeId === undefined ? {} : { beforeId }) }),
        );
        pages.push(...page.map(({ claim }) => claim?.claimId));
        if (page.length < 2) break;
        beforeId = page.at(-1)?.id;
      }
      expect(pages).toEqual(claims.map(({ claimId }) => claimId).reverse());
    });

    it('of an older schema are counted, also by a migration that was killed half way', async () => {
      await resolve(await add(3));
      await add(1, { sequence: 9 });
      await harness.withRunner(async (runner) => {
        const migration = new FailedEventsOverYears1765100000000();
        await migration.down(runner);
        await runner.query('ALTER TABLE campaigns ADD COLUMN resolved_events BIGINT NOT NULL DEFAULT 0');
        await runner.query('CREATE INDEX failed_events_by_status ON failed_events (status)');
        await migration.up(runner);
        // Once more, as if the migration was killed before it was recorded as done.
        await migration.up(runner);
      });
      expect(await read(({ failedEvents }) => failedEvents.countByStatus(campaignId))).toMatchObject({
        PENDING: 1,
        RESOLVED: 3,
      });
    });
  });
}
