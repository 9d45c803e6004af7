import { beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type Refusal } from '../../../src/ports/database/refusal-store.js';
import { type DatabaseUnderTest } from './database-under-test.js';

export function describeRefusalStore(under: DatabaseUnderTest): void {
  describe('refusals', () => {
    const { write, read } = under;
    let userId: string;
    beforeEach(() => {
      userId = `User-${ulid()}`;
    });

    const refusal = (over: Partial<Refusal> = {}): Refusal => ({
      campaignId: 'drop',
      userId,
      code: 'sold-out',
      refusedAt: 1_764_000_000_123,
      requestId: 'request-1',
      ...over,
    });

    it('are kept once for each user, campaign and kind: the first one', async () => {
      const later = { refusedAt: 1_764_000_000_999, requestId: 'request-2' };
      await write(({ refusals }) => refusals.insertMissing([refusal(), refusal(later)]));
      const paused = refusal({ ...later, code: 'campaign-paused', refusedAt: 1_764_000_000_500 });
      const elsewhere = refusal({ ...later, campaignId: 'other' });
      const others = refusal({ userId: userId.toLowerCase() });
      await write(({ refusals }) => refusals.insertMissing([refusal(later), paused, elsewhere, others]));
      await write(({ refusals }) => refusals.insertMissing([]));
      expect(await read(({ refusals }) => refusals.listByUser(userId, 10))).toEqual([elsewhere, paused, refusal()]);
      expect(await read(({ refusals }) => refusals.listByUser(userId, 1))).toEqual([elsewhere]);
      expect(await read(({ refusals }) => refusals.listByUser(userId.toLowerCase(), 10))).toEqual([others]);
    });

    it('are deleted when they are old, the oldest first', async () => {
      const now = await read((unit) => unit.now());
      for (;;) {
        if ((await write(({ refusals }) => refusals.prune(-3_600_000, 500))) === 0) break;
      }
      expect(await read(({ refusals }) => refusals.countAtMost())).toBe(0);
      const old = ['a', 'b', 'c'].map((campaignId) => refusal({ campaignId, refusedAt: now - 120_000 }));
      await write(({ refusals }) => refusals.insertMissing([...old, refusal({ refusedAt: now })]));
      expect(await read(({ refusals }) => refusals.countAtMost())).toBe(4);
      expect(await write(({ refusals }) => refusals.prune(60_000, 2))).toBe(2);
      expect(await write(({ refusals }) => refusals.prune(60_000, 2))).toBe(1);
      expect(await write(({ refusals }) => refusals.prune(60_000, 2))).toBe(0);
      expect(await read(({ refusals }) => refusals.listByUser(userId, 10))).toEqual([refusal({ refusedAt: now })]);
    });
  });
}
