import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { holderKey, decodeClaimEvent, encodeClaimEvent } from '../../../src/domain/claim.js';
import { type ClaimLog, ClaimLogFullError, type LogOffsets, type LogRecord } from '../../../src/ports/log/claim-log.js';
import { claimEvent } from '../../support/claims.js';

/** What differs between logs. */
export interface ClaimLogHarness {
  readonly log: ClaimLog;
  /** A second publisher on the same log, which holds at most this many waiting claims. */
  publisherHolding(waiting: number): Promise<ClaimLog>;
  /** Stores offsets as the consumer group would. */
  commit(offsets: LogOffsets): Promise<void>;
  close(): Promise<void>;
}

export function describeClaimLogContract(name: string, openHarness: () => Promise<ClaimLogHarness>): void {
  describe(`${name} as a ClaimLog`, () => {
    let harness: ClaimLogHarness;
    let log: ClaimLog;

    const readAll = async (from: LogOffsets, to: LogOffsets): Promise<LogRecord[]> => {
      const records: LogRecord[] = [];
      for await (const page of log.read(from, to)) {
        expect(page.length).toBeGreaterThan(0);
        records.push(...page);
      }
      return records;
    };
    const claimIdOf = ({ value }: LogRecord): string => {
      const decoded = decodeClaimEvent(value);
      if (decoded.kind !== 'claim') throw new Error(decoded.reason);
      return decoded.event.claimId;
    };
    const sum = (offsets: LogOffsets) => [...offsets.values()].reduce((total, offset) => total + offset, 0);

    beforeAll(async () => {
      harness = await openHarness();
      log = harness.log;
    });
    afterAll(() => harness.close());

    it('knows where every partition starts and ends, and of no committed offset before the first commit', async () => {
      const [start, end] = [await log.startOffsets(), await log.endOffsets()];
      expect([...start.keys()].sort()).toEqual([...end.keys()].sort());
      expect(end.size).toBeGreaterThan(0);
      for (const [partition, offset] of end) expect(start.get(partition)).toBeLessThanOrEqual(offset);
      expect([...(await log.committedOffsets()).keys()]).toEqual([]);
      expect(await readAll(start, end)).toEqual([]);
    });

    it('can be read as soon as it has acknowledged, byte for byte', async () => {
      const before = await log.endOffsets();
      const event = claimEvent({
        campaignId: 'ABCDEFGHJKMNPQRSTVWXYZ-az9',
        userId: `.@|:+=~-_${'aZ9'.repeat(39)}12`,
        sequence: Number.MAX_SAFE_INTEGER,
        claimedAt: 8_640_000_000_000_000,
        idempotencyDigest: `_-${'d'.repeat(41)}`,
      });
      await log.publish(event);
      const after = await log.endOffsets();
      const [record, ...others] = await readAll(before, after);
      expect(others).toEqual([]);
      expect(record).toMatchObject({ topic: expect.any(String), partition: expect.any(Number) });
      // A log that others can write to adds a signature.
      const text = Buffer.from(record?.value ?? []).toString();
      expect(text.replace(/,"key":"[^"]+","mac":"[^"]+"\}$/, '}')).toBe(encodeClaimEvent(event));
      expect(await log.authorsOf([record as LogRecord])).toEqual(['own']);
      expect(Buffer.from(record?.key ?? []).toString()).toBe(holderKey(event));
      expect(record?.headers).toEqual({});
      expect(record?.offset).toBe(before.get(record?.partition ?? -1));
      expect(decodeClaimEvent(record?.value ?? null)).toEqual({ kind: 'claim', event });
      expect(sum(after) - sum(before)).toBe(1);
      expect(log.away).toBe(false);
    });

    it('keeps each of 5,000 parallel claims exactly once, at rising offsets', async () => {
      const before = await log.endOffsets();
      const events = Array.from({ length: 5_000 }, () => claimEvent());
      await Promise.all(events.map((event) => log.publish(event)));
      const after = await log.endOffsets();
      const records = await readAll(before, after);
      expect(records.map(claimIdOf).sort()).toEqual(events.map(({ claimId }) => claimId).sort());
      const last = new Map<number, number>();
      for (const { partition, offset } of records) {
        expect(offset).toBeGreaterThan(last.get(partition) ?? -1);
        expect(offset).toBeGreaterThanOrEqual(before.get(partition) ?? 0);
        expect(offset).toBeLessThan(after.get(partition) ?? 0);
        last.set(partition, offset);
      }
    });

    it('reads from the first bound up to, and without, the second', async () => {
      const before = await log.endOffsets();
      await Promise.all(Array.from({ length: 50 }, () => log.publish(claimEvent())));
      const after = await log.endOffsets();
      const grown = [...after].find(([partition, offset]) => offset - (before.get(partition) ?? 0) >= 3);
      if (grown === undefined) throw new Error('50 claims left no partition with three of them');
      const [partition, end] = grown;
      const offsets = async (from: number, to: number) =>
        (await readAll(new Map([[partition, from]]), new Map([[partition, to]]))).map(({ offset }) => offset);
      expect(await offsets(end - 2, end)).toEqual([end - 2, end - 1]);
      expect(await offsets(end - 3, end - 1)).toEqual([end - 3, end - 2]);
      expect(await offsets(end, end)).toEqual([]);
      expect(await offsets(end - 1, end - 2)).toEqual([]);
    });

    it('reads no claim that is published after the end was read', async () => {
      const before = await log.endOffsets();
      const event = claimEvent();
      await log.publish(event);
      const end = await log.endOffsets();
      await log.publish(claimEvent());
      expect((await readAll(before, end)).map(claimIdOf)).toEqual([event.claimId]);
    });

    it('delivers a claim that was published twice twice: the consumer recognises it', async () => {
      const before = await log.endOffsets();
      const event = claimEvent();
      await Promise.all([log.publish(event), log.publish(event)]);
      expect((await readAll(before, await log.endOffsets())).map(claimIdOf)).toEqual([event.claimId, event.claimId]);
    });

    it('reports what the group has committed, for the partitions where it has', async () => {
      const [[partition, end]] = [...(await log.endOffsets())] as [[number, number]];
      await harness.commit(new Map([[partition, end]]));
      expect(await log.committedOffsets()).toEqual(new Map([[partition, end]]));
      expect((await log.endOffsets()).get(partition)).toBe(end);
    });

    it('has answered every publish, with success or failure, when it has drained', async () => {
      let settled = 0;
      const published = Array.from({ length: 1_000 }, () => log.publish(claimEvent()).finally(() => (settled += 1)));
      await log.drain();
      expect(settled).toBe(1_000);
      await Promise.all(published);
      await log.drain();
    });

    it('refuses immediately what it cannot hold, keeps what it holds, and recovers', async () => {
      const before = await log.endOffsets();
      const small = await harness.publisherHolding(10);
      const events = Array.from({ length: 100 }, () => claimEvent());
      const outcomes = await Promise.allSettled(events.map((event) => small.publish(event)));
      const kept = events.filter((_, index) => outcomes[index]?.status === 'fulfilled');
      const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
      expect(kept.length).toBeGreaterThanOrEqual(10);
      expect(refused.length).toBeGreaterThan(0);
      for (const reason of refused) expect(reason).toBeInstanceOf(ClaimLogFullError);
      const late = claimEvent();
      await small.publish(late);
      const records = await readAll(before, await log.endOffsets());
      expect(records.map(claimIdOf).sort()).toEqual([...kept, late].map(({ claimId }) => claimId).sort());
    });
  });
}
