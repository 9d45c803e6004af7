import { beforeAll, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type GatePass, type IssuanceGate } from '../../../src/ports/gate/issuance-gate.js';
import { type GateUnderTest, type IssuanceGateHarness, terms } from './gate-under-test.js';

const HOUR = 3_600_000;

/** The gate's record of claims that are not yet rows. */
export function describePending(under: GateUnderTest): void {
  const { openEpoch, open, admit, gaugeOf } = under;
  let harness: IssuanceGateHarness;
  let gate: IssuanceGate;
  let pass: GatePass;
  beforeAll(() => {
    ({ harness, gate, pass } = under);
  });

  describe('clearPending', () => {
    it('clears only the named claims, by user and claimId, and can be repeated', async () => {
      const [here, there] = [await open(), await open()];
      const alice = await admit(here, 'alice');
      const bob = await admit(here, 'bob');
      await admit(there, 'alice');
      await gate.clearPending(pass, [{ ...bob, claimId: ulid() }, { ...alice, userId: 'nobody' }, alice, alice]);
      await gate.clearPending(pass, [alice]);
      expect(await gaugeOf(here)).toMatchObject({ claimed: 2, pending: 1 });
      expect(await gaugeOf(there)).toMatchObject({ claimed: 1, pending: 1 });
      expect(await gate.lookUp(pass, here, 'alice')).toMatchObject({ kind: 'found', pending: false });
      expect(await gate.lookUp(pass, here, 'bob')).toMatchObject({ kind: 'found', pending: true });
    });

    it('clears claims of several campaigns in one call, around one that is fenced or unknown', async () => {
      const [good, broken] = [await open(), await open()];
      const kept = await admit(good, 'alice');
      const lost = await admit(broken, 'alice');
      await harness.deleteStructure(pass.epoch, broken, 'pending');
      await gate.clearPending(pass, [{ ...kept, campaignId: ulid() }, lost, kept]);
      expect(await gaugeOf(good)).toMatchObject({ pending: 0 });
    });

    it('clears 2,000 claims at once, and accepts an empty list', async () => {
      const campaignId = await open({ total: 2_000 });
      const claims = await Promise.all(Array.from({ length: 2_000 }, (_, user) => admit(campaignId, `u${user}`)));
      await gate.clearPending(pass, claims);
      await gate.clearPending(pass, []);
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 2_000, pending: 0, oldestPendingAt: null });
    });
  });

  describe('gauge', () => {
    it('answers in the order of the ids, with a fence in its place, and an empty list for no ids', async () => {
      const [one, two] = [await open({ total: 1 }), await open({ total: 2 })];
      const unknown = ulid();
      expect(await gate.gauge(pass, [two, unknown, one])).toEqual([
        expect.objectContaining({ campaignId: two, terms: terms(two, { total: 2 }) }),
        { kind: 'fenced', reason: 'meta-missing' },
        expect.objectContaining({ campaignId: one, claimed: 0, sequence: 0, pending: 0, oldestPendingAt: null }),
      ]);
      expect(await gate.gauge(pass, [])).toEqual([]);
    });

    it('tells since when the oldest pending claim waits', async () => {
      const campaignId = ulid();
      const own = await openEpoch();
      await harness.builder.stage(own.epoch, campaignId, [
        { userId: 'late', claimId: ulid(), sequence: 2, claimedAt: 2_000, idempotencyDigest: null, pending: true },
        { userId: 'early', claimId: ulid(), sequence: 1, claimedAt: 1_000, idempotencyDigest: null, pending: true },
        { userId: 'done', claimId: ulid(), sequence: 3, claimedAt: 500, idempotencyDigest: null, pending: false },
      ]);
      await harness.builder.openStaged(own.epoch, [{ ...terms(campaignId), sequence: 3 }]);
      expect(await gaugeOf(campaignId, own)).toMatchObject({ claimed: 3, pending: 2, oldestPendingAt: 1_000 });
    });
  });

  describe('pendingBefore', () => {
    it('pages through the pending claims, oldest first, and leaves out the instant itself', async () => {
      const campaignId = ulid();
      const own = await openEpoch();
      const claims = [5, 3, 1, 4, 2].map((at) => ({
        userId: `user-${at}`,
        claimId: ulid(),
        sequence: at,
        claimedAt: at * 1_000,
        idempotencyDigest: at === 1 ? 'B'.repeat(43) : null,
      }));
      await harness.builder.stage(
        own.epoch,
        campaignId,
        claims.map((claim) => ({ ...claim, pending: true })),
      );
      await harness.builder.openStaged(own.epoch, [{ ...terms(campaignId), sequence: 5 }]);
      const page = async (before: number, limit: number, offset: number) => {
        const found = await gate.pendingBefore(own, campaignId, before, limit, offset);
        if (found.kind === 'fenced') throw new Error(found.reason);
        return found.claims;
      };
      const first = claims.find(({ sequence }) => sequence === 1);
      expect((await page(9_000, 10, 0))[0]).toEqual({ campaignId, ...first });
      const sequences = async (before: number, limit: number, offset: number) =>
        (await page(before, limit, offset)).map(({ sequence }) => sequence);
      expect(await sequences(9_000, 10, 0)).toEqual([1, 2, 3, 4, 5]);
      expect(await sequences(9_000, 2, 0)).toEqual([1, 2]);
      expect(await sequences(9_000, 2, 2)).toEqual([3, 4]);
      expect(await sequences(9_000, 2, 4)).toEqual([5]);
      expect(await sequences(9_000, 2, 6)).toEqual([]);
      expect(await sequences(3_000, 10, 0)).toEqual([1, 2]);
      await gate.clearPending(own, [{ campaignId, userId: 'user-1', claimId: first?.claimId ?? '' }]);
      expect(await sequences(9_000, 2, 0)).toEqual([2, 3]);
    });

    it('puts claims from after a rebuild behind those from before it', async () => {
      const campaignId = ulid();
      const own = await openEpoch();
      const staged = [2_000, 1_000].map((claimedAt) => ({
        userId: `at-${claimedAt}`,
        claimId: ulid(),
        sequence: claimedAt,
        claimedAt,
        idempotencyDigest: null,
        pending: true,
      }));
      await harness.builder.stage(own.epoch, campaignId, staged);
      await harness.builder.openStaged(own.epoch, [{ ...terms(campaignId), sequence: 2_000 }]);
      await admit(campaignId, 'new', own);
      const page = await gate.pendingBefore(own, campaignId, (await gate.now()) + HOUR, 10, 0);
      if (page.kind === 'fenced') throw new Error(page.reason);
      expect(page.claims.map(({ userId }) => userId)).toEqual(['at-1000', 'at-2000', 'new']);
    });

    it('gives each of 300 claims of one instant to exactly one page', async () => {
      const campaignId = await open({ total: 300 });
      await Promise.all(Array.from({ length: 300 }, (_, user) => admit(campaignId, `u${user}`)));
      const before = (await gate.now()) + HOUR;
      const seen: string[] = [];
      for (let offset = 0; offset < 300; offset += 70) {
        const page = await gate.pendingBefore(pass, campaignId, before, 70, offset);
        if (page.kind === 'fenced') throw new Error(page.reason);
        seen.push(...page.claims.map(({ userId }) => userId));
      }
      expect(seen).toHaveLength(300);
      expect(new Set(seen).size).toBe(300);
    });
  });
}
