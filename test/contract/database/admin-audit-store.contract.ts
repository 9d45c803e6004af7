import { beforeAll, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
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
}
