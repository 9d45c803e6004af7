import { beforeAll, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type ClaimRequest } from '../../../src/domain/claim.js';
import { type GatePass, type IssuanceGate } from '../../../src/ports/gate/issuance-gate.js';
import { answered, type GateUnderTest, type IssuanceGateHarness, request, terms } from './gate-under-test.js';

export function describeFence(under: GateUnderTest): void {
  const { openEpoch, admit, gaugeOf } = under;
  let harness: IssuanceGateHarness;
  let gate: IssuanceGate;
  let pass: GatePass;
  beforeAll(() => {
    ({ harness, gate, pass } = under);
  });

  describe('the fence', () => {
    /** Every call that carries a pass, with how it says `fenced`. */
    const fences = async (under: GatePass, campaignId: string, claim: ClaimRequest) => {
      const outcomes = {
        claim: await answered(() => gate.claim(under, request(campaignId, 'somebody'))),
        lookUp: await answered(() => gate.lookUp(under, campaignId, claim.userId)),
        release: await answered(() => gate.release(under, claim)),
        changeTerms: await answered(() => gate.changeTerms(under, terms(campaignId, { version: 99 }))),
        gauge: (await answered(() => gate.gauge(under, [campaignId])))[0],
        pendingBefore: await answered(() => gate.pendingBefore(under, campaignId, Number.MAX_SAFE_INTEGER, 10, 0)),
        redatePending: await answered(() => gate.redatePending(under, campaignId, 10)),
      };
      // Wait until the gate answers again, for the calls that follow.
      await answered(() => gate.now());
      return outcomes;
    };
    const all = (reason: string) => {
      const fenced = { kind: 'fenced', reason };
      return {
        claim: fenced,
        lookUp: fenced,
        release: fenced,
        changeTerms: fenced,
        gauge: fenced,
        pendingBefore: fenced,
        redatePending: fenced,
      };
    };

    it.each([
      ['meta', 'meta-missing'],
      ['applied_user', 'count-mismatch'],
      ['pending', 'pending-mismatch'],
    ] as const)('closes every call when %s alone is gone', async (structure, reason) => {
      const own = await openEpoch();
      const [campaignId, other] = [ulid(), ulid()];
      await gate.openCampaign(own, terms(campaignId));
      await gate.openCampaign(own, terms(other));
      const claim = await admit(campaignId, 'alice', own);
      await harness.deleteStructure(own.epoch, campaignId, structure);
      expect(await fences(own, campaignId, claim)).toEqual(all(reason));
      expect(await gate.openCampaign(own, terms(campaignId, { version: 2 }))).toEqual({ kind: 'fenced', reason });
      expect((await gate.claim(own, request(other, 'alice'))).kind).toBe('admitted');
    });

    it('never opens a campaign again that it has had in this epoch and lost with all its keys', async () => {
      const own = await openEpoch();
      const [made, staged, fresh] = [ulid(), ulid(), ulid()];
      await gate.openCampaign(own, terms(made));
      await harness.builder.openStaged(own.epoch, [{ ...terms(staged), sequence: 0 }]);
      for (const campaignId of [made, staged]) {
        await admit(campaignId, 'alice', own);
        for (const structure of ['meta', 'applied_user', 'pending'] as const) {
          await harness.deleteStructure(own.epoch, campaignId, structure);
        }
        const lost = { kind: 'fenced', reason: 'meta-missing' };
        expect(await gate.openCampaign(own, terms(campaignId))).toEqual(lost);
        expect(await gate.openMissing(own, terms(campaignId))).toEqual(lost);
        expect(await gate.claim(own, request(campaignId, 'bob'))).toEqual(lost);
      }
      expect(await gate.openMissing(own, terms(fresh))).toEqual({ kind: 'opened' });
      expect(await gate.openMissing(own, terms(fresh))).toEqual({ kind: 'exists' });
      expect(await gate.claim(own, request(fresh, 'bob'))).toMatchObject({ kind: 'admitted', sequence: 1 });
    });

    it('notices one lost record among many, and one lost pending entry', async () => {
      const own = await openEpoch();
      for (const [reason, damage] of [
        ['count-mismatch', harness.forgetRecord.bind(harness)],
        ['pending-mismatch', harness.forgetPending.bind(harness)],
      ] as const) {
        const campaignId = ulid();
        await gate.openCampaign(own, terms(campaignId));
        for (let user = 0; user < 20; user++) await admit(campaignId, `u${user}`, own);
        const claim = await admit(campaignId, 'alice', own);
        await damage(own.epoch, campaignId, 'u7');
        expect(await fences(own, campaignId, claim)).toEqual(all(reason));
      }
    });

    it('answers fenced after everything is gone, never sold-out and never a yes', async () => {
      const lost = await openEpoch();
      const campaignId = ulid();
      await gate.openCampaign(lost, terms(campaignId, { total: 1 }));
      const claim = await admit(campaignId, 'alice', lost);
      await harness.wipe();
      for (const outcome of Object.values(await fences(lost, campaignId, claim))) {
        expect(outcome).toMatchObject({ kind: 'fenced' });
      }
      pass = await openEpoch();
    });

    it('lets nobody in with an invented pass or that of another epoch', async () => {
      const [one, two] = [await openEpoch(), await openEpoch()];
      const campaignId = ulid();
      await gate.openCampaign(two, terms(campaignId));
      const claim = await admit(campaignId, 'alice', two);
      const forged: GatePass[] = [
        { ...two, fence: one.fence },
        { ...two, fence: '0'.repeat(two.fence.length) },
      ];
      for (const pass of forged) {
        const outcomes = await fences(pass, campaignId, claim);
        for (const outcome of Object.values(outcomes)) expect(outcome).toMatchObject({ kind: 'fenced' });
      }
      expect(await gaugeOf(campaignId, two)).toMatchObject({ claimed: 1, pending: 1, terms: { version: 1 } });
    });

    it('closes an old epoch for its pass once it was dropped, and leaves the new one open', async () => {
      const old = await openEpoch();
      const campaignId = ulid();
      await gate.openCampaign(old, terms(campaignId));
      const claim = await admit(campaignId, 'alice', old);
      pass = await openEpoch();
      await harness.builder.dropEpochsBelow(pass.epoch);
      for (const outcome of Object.values(await fences(old, campaignId, claim))) {
        expect(outcome).toMatchObject({ kind: 'fenced' });
      }
      expect(await gate.ping(pass)).toMatchObject({ kind: 'ok' });
      await gate.openCampaign(pass, terms(campaignId));
      expect((await gate.claim(pass, request(campaignId, 'alice'))).kind).toBe('admitted');
    });

    it('pings ok under an open epoch and fenced under one that was never opened', async () => {
      expect(await gate.ping(pass)).toMatchObject({ kind: 'ok' });
      const never = { ...pass, epoch: harness.nextEpoch(), fence: '0'.repeat(pass.fence.length) };
      expect(await gate.ping(never)).toEqual({ kind: 'fenced', reason: 'fence-missing' });
      await answered(() => gate.now());
    });
  });
}
