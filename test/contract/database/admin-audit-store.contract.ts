import { beforeAll, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type CallOrigin } from '../../../src/platform/identity/actor.js';
import { type AdminActionFilter } from '../../../src/ports/database/admin-audit-store.js';
import { byOperator } from '../../support/callers.js';
import { type DatabaseHarness, type DatabaseUnderTest, Undo } from './database-under-test.js';

export function describeAdminAuditStore(under: DatabaseUnderTest): void {
  const { write } = under;
  let harness: DatabaseHarness;
  beforeAll(() => {
    ({ harness } = under);
  });

  it('keeps operator actions with the transaction that made them', async () => {
    const subject = ulid();
    const action = {
      action: 'campaign.pause',
      subject,
      campaignId: null,
      by: byOperator('request-1'),
      detail: { name: '이름', nested: { total: 1 } },
    };
    await write(({ audit }) => audit.record(action));
    await write(async ({ audit }) => {
      await audit.record({ ...action, action: 'gone' });
      throw new Undo();
    }).catch(() => undefined);
    const rows = await harness.database.read(({ audit }) => audit.list({ limit: 1_000 }));
    const kept = rows.filter((row) => row.subject === subject);
    expect(kept).toEqual([{ ...action, id: expect.any(Number), createdAt: expect.any(Number) }]);
  });

  it('tells whether an action is there', async () => {
    const subject = 'rZ-_x0'.repeat(3);
    const by = byOperator('request-2');
    await write(({ audit }) => audit.record({ action: 'session.end', subject, campaignId: null, by, detail: {} }));
    const has = (action: string, of: string) => harness.database.read(({ audit }) => audit.has(action, of));
    expect(await has('session.end', subject)).toBe(true);
    expect(await has('session.begin', subject)).toBe(false);
    expect(await has('session.end', subject.toLowerCase())).toBe(false);
    expect(await has('session.end', ulid())).toBe(false);
  });

  it('lists the newest first, by actor, action and campaign', async () => {
    const [one, other, actor] = [ulid(), ulid(), ulid()];
    const by: CallOrigin = { actor: { id: actor, name: '당직자 1' }, requestId: null, address: '::1' };
    for (const [action, campaignId] of [
      ['campaign.pause', one],
      ['campaign.close', one],
      ['campaign.pause', other],
    ] as const) {
      await write(({ audit }) => audit.record({ action, subject: campaignId, campaignId, by, detail: {} }));
    }
    const list = async (filter: Partial<AdminActionFilter>) => {
      const rows = await harness.database.read(({ audit }) => audit.list({ limit: 10, actor, ...filter }));
      return rows.map(({ action, campaignId }) => [action, campaignId]);
    };
    expect(await list({})).toEqual([
      ['campaign.pause', other],
      ['campaign.close', one],
      ['campaign.pause', one],
    ]);
    expect(await list({ action: 'campaign.pause' })).toEqual([
      ['campaign.pause', other],
      ['campaign.pause', one],
    ]);
    expect(await list({ campaignId: one, limit: 1 })).toEqual([['campaign.close', one]]);
    const [newest] = await harness.database.read(({ audit }) => audit.list({ limit: 1, actor }));
    expect(newest?.by).toEqual(by);
    expect(await list({ beforeId: newest?.id ?? 0, limit: 1 })).toEqual([['campaign.close', one]]);
    expect(await list({ actor: ulid() })).toEqual([]);
  });

  it('lists what was done from one instant on and before another', async () => {
    const action = `by-time-${ulid().toLowerCase()}`;
    for (const [subject, at] of [
      ['early', 1_000],
      ['first', 2_000],
      ['last', 2_999],
      ['late', 3_000],
    ]) {
      await harness.execute("INSERT INTO admin_audit (action, subject, detail, created_at) VALUES (?, ?, '{}', ?)", [
        action,
        subject,
        at,
      ]);
    }
    const list = async (filter: Partial<AdminActionFilter>) => {
      const rows = await harness.database.read(({ audit }) => audit.list({ limit: 10, action, ...filter }));
      return rows.map(({ subject }) => subject);
    };
    expect(await list({ from: 2_000, to: 3_000 })).toEqual(['last', 'first']);
    expect(await list({ from: 2_000 })).toEqual(['late', 'last', 'first']);
    expect(await list({ to: 2_000 })).toEqual(['early']);
    expect(await list({ from: 3_000, to: 2_000 })).toEqual([]);
    expect(await list({ from: 2_000, to: 3_000, limit: 1 })).toEqual(['last']);
  });

  it('names an unknown actor where an older version has kept none', async () => {
    const subject = ulid();
    await harness.execute("INSERT INTO admin_audit (action, subject, detail, created_at) VALUES ('old', ?, '{}', 1)", [
      subject,
    ]);
    const filter = { limit: 10, action: 'old', actor: 'unknown' };
    const rows = await harness.database.read(({ audit }) => audit.list(filter));
    expect(rows.find((row) => row.subject === subject)?.by).toEqual({
      actor: { id: 'unknown', name: 'unknown' },
      requestId: null,
      address: null,
    });
  });
}
