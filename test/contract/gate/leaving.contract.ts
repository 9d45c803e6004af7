import { beforeAll, describe, expect, it } from '@jest/globals';
import { type GatePass, type IssuanceGate } from '../../../src/ports/gate/issuance-gate.js';
import { type GateUnderTest, type IssuanceGateHarness, request, terms } from './gate-under-test.js';

export function describeLeaving(under: GateUnderTest): void {
  const { open, admit, gaugeOf } = under;
  let harness: IssuanceGateHarness;
  let gate: IssuanceGate;
  let pass: GatePass;
  beforeAll(() => {
    ({ harness, gate, pass } = under);
  });

  const closed = { state: 'CLOSED', version: 2 } as const;
  const close = (campaignId: string) => gate.changeTerms(pass, terms(campaignId, closed));

  describe('removeCampaign', () => {
    it('forgets a closed campaign with its claims, and no other campaign', async () => {
      const campaignId = await open();
      const other = await open();
      const claim = await admit(campaignId, 'alice');
      await admit(other, 'alice');
      await gate.clearPending(pass, [claim]);
      await close(campaignId);
      expect(await gate.removeCampaign(pass, campaignId, 2)).toEqual({ kind: 'removed' });
      const unknown = { kind: 'fenced', reason: 'meta-missing' };
      expect(await gate.gauge(pass, [campaignId])).toEqual([unknown]);
      expect(await gate.claim(pass, request(campaignId, 'alice'))).toEqual(unknown);
      expect(await gate.lookUp(pass, campaignId, 'alice')).toEqual(unknown);
      expect(await gate.removeCampaign(pass, campaignId, 2)).toEqual(unknown);
      // This epoch has had it: opened again, it would have forgotten its winners.
      expect(await gate.openMissing(pass, terms(campaignId, closed))).toEqual(unknown);
      expect(await gaugeOf(other)).toMatchObject({ claimed: 1, pending: 1 });
    });

    it('keeps a campaign while one of its claims is pending', async () => {
      const campaignId = await open();
      const claim = await admit(campaignId, 'alice');
      await close(campaignId);
      expect(await gate.removeCampaign(pass, campaignId, 2)).toEqual({ kind: 'kept' });
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 1, pending: 1 });
      await gate.clearPending(pass, [claim]);
      expect(await gate.removeCampaign(pass, campaignId, 2)).toEqual({ kind: 'removed' });
    });

    it('keeps a campaign that is not closed, or has terms of another version', async () => {
      const campaignId = await open({ version: 2 });
      expect(await gate.removeCampaign(pass, campaignId, 2)).toEqual({ kind: 'kept' });
      await gate.changeTerms(pass, terms(campaignId, { state: 'PAUSED', version: 3 }));
      expect(await gate.removeCampaign(pass, campaignId, 3)).toEqual({ kind: 'kept' });
      await gate.changeTerms(pass, terms(campaignId, { state: 'CLOSED', version: 10 }));
      expect(await gate.removeCampaign(pass, campaignId, 9)).toEqual({ kind: 'kept' });
      expect(await gate.removeCampaign(pass, campaignId, 11)).toEqual({ kind: 'kept' });
      expect(await gate.removeCampaign(pass, campaignId, 10)).toEqual({ kind: 'removed' });
    });

    it('removes nothing whose memory is damaged', async () => {
      const campaignId = await open();
      await admit(campaignId, 'alice');
      await close(campaignId);
      await harness.deleteStructure(pass.epoch, campaignId, 'pending');
      const damaged = { kind: 'fenced', reason: 'pending-mismatch' };
      expect(await gate.removeCampaign(pass, campaignId, 2)).toEqual(damaged);
      expect(await gate.gauge(pass, [campaignId])).toEqual([damaged]);
    });

    it('lets nobody in with an invented pass', async () => {
      const campaignId = await open({ ...closed });
      const invented = { ...pass, epoch: pass.epoch + 1_000 };
      expect(await gate.removeCampaign(invented, campaignId, 2)).toMatchObject({ kind: 'fenced' });
      expect(await gaugeOf(campaignId)).toMatchObject({ kind: 'gauge' });
    });
  });
}
