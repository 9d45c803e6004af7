import { beforeAll, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type GatePass, type IssuanceGate } from '../../../src/ports/gate/issuance-gate.js';
import { type GateUnderTest, type IssuanceGateHarness, request, terms } from './gate-under-test.js';

export function describeTerms(under: GateUnderTest): void {
  const { openEpoch, open, admit, gaugeOf } = under;
  let harness: IssuanceGateHarness;
  let gate: IssuanceGate;
  let pass: GatePass;
  beforeAll(() => {
    ({ harness, gate, pass } = under);
  });

  describe('openCampaign and changeTerms', () => {
    it('opens once: an open campaign keeps its terms and its claims', async () => {
      const campaignId = await open({ total: 1 });
      await admit(campaignId, 'alice');
      expect(await gate.openCampaign(pass, terms(campaignId, { total: 50, version: 9 }))).toEqual({ kind: 'exists' });
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 1, terms: { total: 1, version: 1 } });
    });

    it('ignores the same and older versions, and keeps every field of a newer one', async () => {
      const campaignId = await open({ version: 5 });
      expect(await gate.changeTerms(pass, terms(campaignId, { total: 7, version: 5 }))).toEqual({ kind: 'older' });
      expect(await gate.changeTerms(pass, terms(campaignId, { total: 7, version: 4 }))).toEqual({ kind: 'older' });
      expect((await gaugeOf(campaignId)).terms).toEqual(terms(campaignId, { version: 5 }));
      const newer = terms(campaignId, { total: 7, startsAt: 12, endsAt: 99, state: 'PAUSED', version: 10 });
      expect(await gate.changeTerms(pass, newer)).toEqual({ kind: 'changed' });
      expect((await gaugeOf(campaignId)).terms).toEqual(newer);
      const endless = { ...newer, endsAt: null, version: 11 };
      expect(await gate.changeTerms(pass, endless)).toEqual({ kind: 'changed' });
      expect((await gaugeOf(campaignId)).terms).toEqual(endless);
    });

    it('compares versions and totals as numbers', async () => {
      const campaignId = await open({ version: 9, total: 9 });
      expect(await gate.changeTerms(pass, terms(campaignId, { version: 10, total: 10_000_000 }))).toEqual({
        kind: 'changed',
      });
      expect(await gate.changeTerms(pass, terms(campaignId, { version: 9, total: 9 }))).toEqual({ kind: 'older' });
      for (const userId of ['a', 'b', 'c']) await admit(campaignId, userId);
      expect(await gate.changeTerms(pass, terms(campaignId, { version: 11, total: 10 }))).toEqual({ kind: 'changed' });
    });

    it('refuses a total below the number of admitted claims, and then changes nothing', async () => {
      const campaignId = await open({ total: 5 });
      for (const userId of ['a', 'b', 'c']) await admit(campaignId, userId);
      expect(await gate.changeTerms(pass, terms(campaignId, { total: 2, state: 'CLOSED', version: 2 }))).toEqual({
        kind: 'total-below-claimed',
      });
      expect((await gaugeOf(campaignId)).terms).toEqual(terms(campaignId, { total: 5 }));
      expect(await gate.changeTerms(pass, terms(campaignId, { total: 3, version: 2 }))).toEqual({ kind: 'changed' });
      expect((await gate.claim(pass, request(campaignId, 'd'))).kind).toBe('sold-out');
    });

    it('accepts every other change in a gate that was rebuilt with more claims than the total', async () => {
      const campaignId = ulid();
      const own = await openEpoch();
      const claims = ['a', 'b', 'c'].map((userId, index) => ({
        ...{ userId, claimId: ulid(), sequence: index + 1, claimedAt: 1_000 },
        ...{ idempotencyDigest: null, pending: false },
      }));
      await harness.builder.stage(own.epoch, campaignId, claims);
      await harness.builder.openStaged(own.epoch, [{ ...terms(campaignId, { total: 2 }), sequence: 3 }]);
      const change = (over: Parameters<typeof terms>[1]) => gate.changeTerms(own, terms(campaignId, over));
      expect(await change({ total: 2, state: 'PAUSED', version: 2 })).toEqual({ kind: 'changed' });
      expect((await gate.claim(own, request(campaignId, 'd'))).kind).toBe('campaign-paused');
      expect(await change({ total: 1, state: 'CLOSED', version: 3 })).toEqual({ kind: 'total-below-claimed' });
      expect(await change({ total: 2, state: 'CLOSED', version: 3 })).toEqual({ kind: 'changed' });
      // With fewer claims again, the campaign is still closed.
      for (const { userId, claimId } of claims) await gate.release(own, { campaignId, userId, claimId });
      expect((await gate.claim(own, request(campaignId, 'd'))).kind).toBe('campaign-closed');
    });

    it('sells again after the total was raised', async () => {
      const campaignId = await open({ total: 1 });
      await admit(campaignId, 'a');
      expect((await gate.claim(pass, request(campaignId, 'b'))).kind).toBe('sold-out');
      await gate.changeTerms(pass, terms(campaignId, { total: 2, version: 2 }));
      expect(await admit(campaignId, 'b')).toMatchObject({ sequence: 2 });
    });

    it('pauses, resumes and closes without losing a claim', async () => {
      const campaignId = await open();
      await admit(campaignId, 'a');
      for (const [version, state, kind] of [
        [2, 'PAUSED', 'campaign-paused'],
        [3, 'OPEN', 'admitted'],
        [4, 'CLOSED', 'campaign-closed'],
      ] as const) {
        await gate.changeTerms(pass, terms(campaignId, { state, version }));
        expect((await gate.claim(pass, request(campaignId, `u${version}`))).kind).toBe(kind);
      }
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 2, pending: 2, sequence: 2 });
    });

    it('never creates a campaign by changing it', async () => {
      const campaignId = ulid();
      expect(await gate.changeTerms(pass, terms(campaignId))).toEqual({ kind: 'fenced', reason: 'meta-missing' });
      expect(await gate.claim(pass, request(campaignId, 'a'))).toEqual({ kind: 'fenced', reason: 'meta-missing' });
      expect(await gate.openCampaign(pass, terms(campaignId))).toEqual({ kind: 'opened' });
    });

    it('does not change when the caller changes its terms object afterwards', async () => {
      const mine = terms(ulid(), { total: 1 });
      await gate.openCampaign(pass, mine);
      mine.total = 50;
      (await gaugeOf(mine.campaignId)).terms.total = 60;
      expect((await gaugeOf(mine.campaignId)).terms.total).toBe(1);
    });
  });
}
