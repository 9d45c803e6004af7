import { beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type CampaignDraft, NO_ENTRY } from '../../../src/domain/campaign.js';
import { type DatabaseUnderTest } from './database-under-test.js';

export function describeCampaignDraftStore(under: DatabaseUnderTest): void {
  describe('drafts of campaigns', () => {
    const { write, read, kindOf } = under;
    let id: string;
    beforeEach(() => {
      id = ulid();
    });

    const terms = () => ({
      id,
      name: '봄 🎟️ 쿠폰',
      total: 100,
      startsAt: 1_764_000_000_123,
      endsAt: null,
      ...NO_ENTRY,
    });
    const make = () => write(({ drafts }) => drafts.insert(terms()));

    it('are kept as they were made, and once for an id', async () => {
      const before = await read((unit) => unit.now());
      const made = await make();
      expect(made).toEqual({ ...terms(), version: 1, createdAt: made.createdAt, updatedAt: made.createdAt });
      expect(made.createdAt).toBeGreaterThanOrEqual(before);
      expect(await read(({ drafts }) => drafts.find(id))).toEqual(made);
      expect(await write(({ drafts }) => drafts.lock(id))).toEqual(made);
      expect(await kindOf(make())).toBe('duplicate');
      expect(await read(({ drafts }) => drafts.find(id.toLowerCase()))).toBeNull();
      expect(await write(({ drafts }) => drafts.lock(id.toLowerCase()))).toBeNull();
    });

    it('are no campaigns: nothing that reads campaigns finds one', async () => {
      await make();
      expect(await under.harness.execute(`SELECT id FROM campaigns WHERE id = '${id}'`)).toEqual([]);
      await read(async ({ campaigns }) => {
        expect([await campaigns.find(id), await campaigns.findMany([id])]).toEqual([null, []]);
        const listed = [
          await campaigns.list(1_000),
          await campaigns.listAtGate('', 1_000),
          await campaigns.listEnded(Number.MAX_SAFE_INTEGER, '', 1_000),
          await campaigns.listClosed(Number.MAX_SAFE_INTEGER, '', 1_000),
          await campaigns.requiringEntry(),
        ];
        expect(listed.flat().filter((campaign) => campaign.id === id)).toEqual([]);
      });
    });

    it('are changed in what the change names, under a new version', async () => {
      const made = await make();
      const change = { total: 7, endsAt: 4_000_000_000_000, requireEntry: true, challenge: 'proof-of-work' as const };
      const changed = await write(({ drafts }) => drafts.update(id, change, 2));
      expect(changed).toEqual({ ...made, ...change, version: 2, updatedAt: changed.updatedAt });
      expect(await read(({ drafts }) => drafts.find(id))).toEqual(changed);
    });

    it('are changed by one at a time, who sees what the one before has committed', async () => {
      await make();
      const change = () =>
        write(async (unit) => {
          const draft = await unit.drafts.lock(id);
          // If units of work run side by side, another one runs during these calls.
          for (let calls = 0; calls < 30; calls++) await unit.now();
          await unit.drafts.update(id, {}, (draft?.version ?? 0) + 1);
        });
      await Promise.all(Array.from({ length: 8 }, change));
      expect((await read(({ drafts }) => drafts.find(id)))?.version).toBe(9);
    });

    it('are listed newest first, page by page, and gone when deleted', async () => {
      for (const name of ['a', 'b', 'c']) {
        const draft = { ...terms(), id: ulid(), name };
        await write(({ drafts }) => drafts.insert(draft));
      }
      const all = await read(({ drafts }) => drafts.list(1_000));
      const paged: CampaignDraft[] = [];
      for (;;) {
        const page = await read(({ drafts }) => drafts.list(2, paged.at(-1)));
        if (page.length === 0) break;
        paged.push(...page);
      }
      expect(paged).toEqual(all);
      const keys = all.map((draft) => `${String(draft.createdAt).padStart(16, '0')} ${draft.id}`);
      expect(keys).toEqual([...keys].sort().reverse());
      const deleted = all[0]?.id ?? '';
      await write(({ drafts }) => drafts.delete(deleted));
      await write(({ drafts }) => drafts.delete(deleted));
      expect(await read(({ drafts }) => drafts.list(1_000))).toEqual(all.slice(1));
    });
  });
}
