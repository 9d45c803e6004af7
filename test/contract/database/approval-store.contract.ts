import { beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type ApprovalRequest } from '../../../src/ports/database/approval-store.js';
import { type DatabaseUnderTest } from './database-under-test.js';

const MINUTE = 60_000;

export function describeApprovalStore(under: DatabaseUnderTest): void {
  describe('requests for a second operator', () => {
    const { write, read } = under;
    let request: ApprovalRequest;
    beforeEach(() => {
      request = {
        id: ulid(),
        action: 'campaign.change',
        subject: 'drop',
        campaignId: 'drop',
        neededRole: 'operator',
        order: { version: 3, change: { total: 5, name: '점심 🎟️' } },
        consequences: { total: 9, claimed: null },
        requestedBy: { id: `jwt:${'u'.repeat(124)}`, name: '김 🎟️' },
      };
    });
    const ask = (lifetimeMs = 15 * MINUTE) => write(({ approvals }) => approvals.insert(request, lifetimeMs));
    const find = () => read(({ approvals }) => approvals.find(request.id));

    it('are kept as they were asked, and wait for their time', async () => {
      const asked = await ask();
      const { createdAt } = asked;
      expect(asked).toEqual({
        ...request,
        status: 'PENDING',
        createdAt,
        expiresAt: createdAt + 15 * MINUTE,
        decidedBy: null,
        decidedAt: null,
        outcome: null,
      });
      expect(await find()).toEqual(asked);
      expect(await write(({ approvals }) => approvals.lock(request.id))).toEqual(asked);
      expect(await read(({ approvals }) => approvals.find(ulid()))).toBeNull();
      expect(await write(({ approvals }) => approvals.lock(ulid()))).toBeNull();
    });

    it('keep who has decided, when, and what came of it', async () => {
      const asked = await ask();
      const by = { id: 'k', name: '이' };
      await write(({ approvals }) => approvals.decide(request.id, { status: 'EXECUTED', by, outcome: null }));
      const { decidedAt } = (await find()) ?? {};
      expect(decidedAt).toBeGreaterThanOrEqual(asked.createdAt);
      expect(await find()).toEqual({ ...asked, status: 'EXECUTED', decidedBy: by, decidedAt });
      await write(({ approvals }) => approvals.setOutcome(request.id, { version: 4 }));
      expect(await find()).toEqual({ ...asked, status: 'EXECUTED', decidedBy: by, decidedAt, outcome: { version: 4 } });
    });

    it('are decided by one of those who try at once', async () => {
      await ask();
      const decide = (name: string) =>
        write(async (unit) => {
          const row = await unit.approvals.lock(request.id);
          // If units of work run side by side, another one runs during these calls.
          for (let calls = 0; calls < 30; calls++) await unit.now();
          if (row?.status !== 'PENDING') return false;
          await unit.approvals.decide(request.id, { status: 'EXECUTED', by: { id: name, name }, outcome: null });
          return true;
        });
      const decided = await Promise.all(['a', 'b', 'c', 'd'].map(decide));
      expect(decided.filter(Boolean)).toHaveLength(1);
    });

    it('are overdue when their time is over and nobody has decided', async () => {
      const overdue = async () =>
        (await read(({ approvals }) => approvals.overdue(1_000))).some(({ id }) => id === request.id);
      await ask();
      expect(await overdue()).toBe(false);
      request = { ...request, id: ulid() };
      await ask(-1);
      expect(await overdue()).toBe(true);
      await write(({ approvals }) => approvals.decide(request.id, { status: 'EXPIRED', by: null, outcome: null }));
      expect(await overdue()).toBe(false);
      expect(await find()).toMatchObject({ status: 'EXPIRED', decidedBy: null });
    });

    it('are listed newest first, page by page, and by status', async () => {
      const ids = [ulid(), ulid(), ulid()].sort();
      for (const id of ids) await write(({ approvals }) => approvals.insert({ ...request, id }, MINUTE));
      await write(({ approvals }) => approvals.decide(ids[1] ?? '', { status: 'REJECTED', by: null, outcome: null }));
      const listed = async (filter: { beforeId?: string; status?: 'PENDING' | 'REJECTED' }) =>
        (await read(({ approvals }) => approvals.list({ limit: 1_000, ...filter })))
          .map(({ id }) => id)
          .filter((id) => ids.includes(id));
      expect(await listed({})).toEqual([...ids].reverse());
      expect(await listed({ beforeId: ids[2] ?? '' })).toEqual([ids[1], ids[0]]);
      expect(await listed({ status: 'REJECTED' })).toEqual([ids[1]]);
      expect(await read(({ approvals }) => approvals.list({ limit: 1 }))).toHaveLength(1);
    });
  });
}
