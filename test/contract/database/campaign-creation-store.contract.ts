import { describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type Campaign } from '../../../src/domain/campaign.js';
import { digestOf } from '../../../src/platform/values/digest.js';
import { type DatabaseUnderTest } from './database-under-test.js';

export function describeCreationStore(under: DatabaseUnderTest): void {
  describe('campaigns that were made under a key', () => {
    const { write, read, insertCampaign, kindOf } = under;

    const creation = ({ id, name, total, startsAt, endsAt }: Campaign, keyDigest = digestOf(ulid())) => ({
      keyDigest,
      requestDigest: digestOf('what was asked for'),
      campaign: { id, name, total, startsAt, endsAt },
      at: 1_764_000_000_123,
    });

    it('are found by the key, as they were made', async () => {
      const campaign = await insertCampaign({ name: '점심 🎟️ 쿠폰', endsAt: 4_000_000_000_000 });
      const made = creation(campaign);
      await write(({ creations }) => creations.insert(made));
      await write(({ campaigns }) => campaigns.update(campaign.id, { name: 'changed' }, 2));
      expect(await read(({ creations }) => creations.find(made.keyDigest))).toEqual(made);
      expect(await read(({ creations }) => creations.find(made.keyDigest.toLowerCase()))).toBeNull();
    });

    it('exist once for a key, and the second one takes its campaign with it', async () => {
      const made = creation(await insertCampaign());
      await write(({ creations }) => creations.insert(made));
      const id = ulid();
      const second = write(async ({ campaigns, creations }) => {
        const campaign = await campaigns.insert({
          id,
          name: id,
          total: 1,
          startsAt: 0,
          endsAt: null,
          state: 'OPEN',
        });
        await creations.insert(creation(campaign, made.keyDigest));
      });
      expect(await kindOf(second)).toBe('duplicate');
      expect(await read(({ campaigns }) => campaigns.find(id))).toBeNull();
    });
  });
}
