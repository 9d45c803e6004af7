import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type Claim } from '../../../src/domain/claim.js';
import { type GateBuilder, type LeftBehind, type StagedClaim } from '../../../src/ports/gate/gate-builder.js';
import {
  type CampaignGauge,
  type GatePass,
  GateUnavailableError,
  type IssuanceGate,
} from '../../../src/ports/gate/issuance-gate.js';
import { INSTALLATION } from '../../support/claims.js';
import { type IssuanceGateHarness, request, terms } from './gate-under-test.js';

function staged(userId: string, sequence: number, over: Partial<StagedClaim> = {}): StagedClaim {
  return { userId, claimId: ulid(), sequence, claimedAt: sequence, idempotencyDigest: null, pending: false, ...over };
}

export function describeGateBuilderContract(name: string, openHarness: () => Promise<IssuanceGateHarness>): void {
  describe(`${name} as a GateBuilder`, () => {
    let harness: IssuanceGateHarness;
    let gate: IssuanceGate;
    let builder: GateBuilder;
    let epoch: number;

    const installed = async (): Promise<GatePass> => ({
      epoch,
      fence: await builder.installFence(epoch),
      installation: INSTALLATION,
    });

    beforeAll(async () => {
      harness = await openHarness();
      ({ gate, builder } = harness);
      builder.useInstallation(INSTALLATION);
    });
    beforeEach(() => {
      epoch = harness.nextEpoch();
    });
    afterAll(() => harness.close());

    it('opens a gate that knows the staged claims, their sequence and which of them are pending', async () => {
      const campaignId = ulid();
      const alice = staged('alice', 3, { idempotencyDigest: 'C'.repeat(43) });
      const bob = staged('bob', 7, { pending: true });
      await builder.stage(epoch, campaignId, [alice]);
      await builder.stage(epoch, campaignId, [bob]);
      const pass = await installed();
      await builder.openStaged(epoch, [{ ...terms(campaignId, { total: 3, version: 4 }), sequence: 9 }]);
      expect(await gate.gauge(pass, [campaignId])).toEqual([
        {
          kind: 'gauge',
          campaignId,
          terms: terms(campaignId, { total: 3, version: 4 }),
          claimed: 2,
          sequence: 9,
          pending: 1,
          oldestPendingAt: 7,
          lastAt: expect.any(Number),
        },
      ]);
      const { userId: _alice, pending: _done, ...record } = alice;
      expect(await gate.lookUp(pass, campaignId, 'alice')).toEqual({ kind: 'found', record, pending: false });
      expect(await gate.lookUp(pass, campaignId, 'bob')).toMatchObject({ pending: true });
      expect(await gate.claim(pass, request(campaignId, 'carol'))).toMatchObject({ sequence: 10 });
      // Bob's claim is no coupon yet.
      expect(await gate.claim(pass, request(campaignId, 'dave'))).toEqual({ kind: 'sold-out', final: false });
    });

    it('keeps the claim that was staged first, within one call and across calls', async () => {
      const campaignId = ulid();
      const first = staged('alice', 1, { pending: true });
      await builder.stage(epoch, campaignId, [first, staged('alice', 2)]);
      await builder.stage(epoch, campaignId, [staged('alice', 3), staged('bob', 4)]);
      const pass = await installed();
      await builder.openStaged(epoch, [{ ...terms(campaignId), sequence: 4 }]);
      expect(await gate.lookUp(pass, campaignId, 'alice')).toMatchObject({
        record: { claimId: first.claimId },
        pending: true,
      });
      expect(await gate.gauge(pass, [campaignId])).toMatchObject([{ claimed: 2, pending: 1 }]);
    });

    it('counts a pending claim from the future as pending since now, so that the sweeper finds it', async () => {
      const campaignId = ulid();
      const claimedAt = (await gate.now()) + 3_600_000;
      await builder.stage(epoch, campaignId, [staged('alice', 1, { claimedAt, pending: true })]);
      const pass = await installed();
      await builder.openStaged(epoch, [{ ...terms(campaignId), sequence: 1 }]);
      const [gauge] = await gate.gauge(pass, [campaignId]);
      const { oldestPendingAt } = gauge as CampaignGauge;
      expect(oldestPendingAt).toBeLessThanOrEqual(await gate.now());
      expect(await gate.lookUp(pass, campaignId, 'alice')).toMatchObject({ record: { claimedAt } });
    });

    it('gives no claim an earlier instant than the latest that is known, and judges the window by that instant', async () => {
      const ahead = (await gate.now()) + 3_600_000;
      const [open, begun, over] = [ulid(), ulid(), ulid()];
      const pass = await installed();
      const from = { sequence: 5, lastAt: ahead };
      await builder.openStaged(epoch, [
        { ...terms(open), ...from },
        { ...terms(begun, { startsAt: ahead }), ...from },
        { ...terms(over, { endsAt: ahead }), ...from },
      ]);
      for (const userId of ['alice', 'bob']) {
        expect(await gate.claim(pass, request(open, userId))).toMatchObject({ kind: 'admitted', claimedAt: ahead });
      }
      expect(await gate.claim(pass, request(begun, 'alice'))).toMatchObject({ kind: 'admitted', claimedAt: ahead });
      expect(await gate.claim(pass, request(over, 'alice'))).toEqual({ kind: 'campaign-ended' });
      expect(await gate.gauge(pass, [open, over])).toMatchObject([{ lastAt: ahead }, { lastAt: ahead }]);
      // Terms that are written again keep it.
      await builder.openStaged(epoch, [{ ...terms(over, { version: 2 }), sequence: 0 }]);
      expect(await gate.claim(pass, request(over, 'alice'))).toMatchObject({ sequence: 6, claimedAt: ahead });
    });

    it('dates pending entries of the future to now when it is told to, as many at a time as it is told', async () => {
      const campaignId = ulid();
      const ahead = (await gate.now()) + 3_600_000;
      await builder.stage(epoch, campaignId, [staged('early', 1, { pending: true })]);
      const pass = await installed();
      await builder.openStaged(epoch, [{ ...terms(campaignId), sequence: 1, lastAt: ahead }]);
      for (const userId of ['a', 'b', 'c']) await gate.claim(pass, request(campaignId, userId));
      const swept = async () => {
        const page = await gate.pendingBefore(pass, campaignId, (await gate.now()) + 1_000, 10, 0);
        return page.kind === 'page' ? page.claims.map(({ userId }) => userId) : page;
      };
      expect(await swept()).toEqual(['early']);
      expect(await gate.redatePending(pass, campaignId, 2)).toEqual({ kind: 'redated', count: 2 });
      expect(await swept()).toEqual(['early', 'a', 'b']);
      expect(await gate.redatePending(pass, campaignId, 2)).toEqual({ kind: 'redated', count: 1 });
      expect(await gate.redatePending(pass, campaignId, 2)).toEqual({ kind: 'redated', count: 0 });
      expect(await swept()).toEqual(['early', 'a', 'b', 'c']);
      // Only the entry is dated again. What the user was told stays.
      expect(await gate.lookUp(pass, campaignId, 'a')).toMatchObject({ record: { claimedAt: ahead }, pending: true });
      expect(await gate.gauge(pass, [campaignId])).toMatchObject([{ claimed: 4, pending: 4, oldestPendingAt: 1 }]);
    });

    it('stages 20,000 claims, and an empty list', async () => {
      const campaignId = ulid();
      const claims = Array.from({ length: 20_000 }, (_, index) => staged(`u${index}`, index + 1, { pending: true }));
      await builder.stage(epoch, campaignId, claims);
      await builder.stage(epoch, campaignId, []);
      const pass = await installed();
      await builder.openStaged(epoch, [{ ...terms(campaignId, { total: 20_000 }), sequence: 20_000 }]);
      expect(await gate.gauge(pass, [campaignId])).toMatchObject([{ claimed: 20_000, pending: 20_000 }]);
      expect((await gate.claim(pass, request(campaignId, 'late'))).kind).toBe('sold-out');
    });

    it('opens a campaign that has no claims at all', async () => {
      const campaignId = ulid();
      const pass = await installed();
      await builder.openStaged(epoch, [{ ...terms(campaignId), sequence: 0 }]);
      expect(await gate.claim(pass, request(campaignId, 'alice'))).toMatchObject({ kind: 'admitted', sequence: 1 });
    });

    it('admits nothing before the metas are written', async () => {
      const campaignId = ulid();
      await builder.stage(epoch, campaignId, [staged('alice', 1)]);
      const pass = await installed();
      expect(await gate.claim(pass, request(campaignId, 'bob'))).toEqual({ kind: 'fenced', reason: 'meta-missing' });
    });

    it('writes metas again only with a newer version, and never lowers the sequence', async () => {
      const campaignId = ulid();
      const pass = await installed();
      await builder.openStaged(epoch, [{ ...terms(campaignId, { version: 3, total: 10 }), sequence: 5 }]);
      await builder.openStaged(epoch, [{ ...terms(campaignId, { version: 3, total: 20 }), sequence: 5 }]);
      await builder.openStaged(epoch, [{ ...terms(campaignId, { version: 2, total: 30 }), sequence: 5 }]);
      expect(await gate.gauge(pass, [campaignId])).toMatchObject([{ terms: { total: 10, version: 3 } }]);
      await builder.openStaged(epoch, [{ ...terms(campaignId, { version: 4, total: 40 }), sequence: 0 }]);
      expect(await gate.gauge(pass, [campaignId])).toMatchObject([{ terms: { total: 40, version: 4 }, sequence: 5 }]);
    });

    it('opens a campaign whose total was lowered below what was already claimed as sold out', async () => {
      const campaignId = ulid();
      await builder.stage(epoch, campaignId, [staged('a', 1), staged('b', 2)]);
      const pass = await installed();
      await builder.openStaged(epoch, [{ ...terms(campaignId, { total: 1 }), sequence: 2 }]);
      expect(await gate.claim(pass, request(campaignId, 'c'))).toEqual({ kind: 'sold-out', final: true });
    });

    it('drops the epochs below and touches neither this one nor a later one', async () => {
      const campaignId = ulid();
      const passes: GatePass[] = [];
      for (let count = 0; count < 3; count++) {
        await builder.stage(epoch, campaignId, [staged('alice', 1)]);
        passes.push(await installed());
        await builder.openStaged(epoch, [{ ...terms(campaignId), sequence: 1 }]);
        epoch = harness.nextEpoch();
      }
      const [old, mine, later] = passes as [GatePass, GatePass, GatePass];
      await builder.dropEpochsBelow(mine.epoch);
      await builder.dropEpochsBelow(mine.epoch);
      expect(await gate.lookUp(old, campaignId, 'alice')).toMatchObject({ kind: 'fenced' });
      for (const pass of [mine, later]) {
        expect(await gate.lookUp(pass, campaignId, 'alice')).toMatchObject({ kind: 'found' });
        expect(await gate.gauge(pass, [campaignId])).toMatchObject([{ claimed: 1 }]);
      }
    });

    describe('of the epoch that was open last', () => {
      let campaignId: string;
      let old: GatePass;
      let claims: Claim[];

      const admitted = async (userId: string): Promise<Claim> => {
        const asked = request(campaignId, userId, { idempotencyDigest: 'D'.repeat(43) });
        const outcome = await gate.claim(old, asked);
        if (outcome.kind !== 'admitted') throw new Error(`expected admitted, got ${outcome.kind}`);
        return { ...asked, sequence: outcome.sequence, claimedAt: outcome.claimedAt };
      };
      const bySequence = (left: LeftBehind | null) => [...(left?.claims ?? [])].sort((a, b) => a.sequence - b.sequence);

      /** Claims 1 and 2 are coupons, 3 to 5 are pending. */
      beforeEach(async () => {
        campaignId = ulid();
        await builder.stage(epoch, campaignId, [staged('u1', 1), staged('u2', 2)]);
        old = await installed();
        await builder.openStaged(epoch, [{ ...terms(campaignId), sequence: 2 }]);
        claims = [await admitted('u3'), await admitted('u4'), await admitted('u5')];
        epoch = harness.nextEpoch();
      });

      it('seals the campaigns with pending claims, and lets no call in', async () => {
        expect(await builder.dropEpochsBelow(epoch, [], old.epoch)).toEqual([campaignId]);
        const fenced = { kind: 'fenced' };
        const [pending] = claims as [Claim];
        expect(await gate.claim(old, request(campaignId, 'new'))).toMatchObject(fenced);
        expect(await gate.lookUp(old, campaignId, 'u1')).toMatchObject(fenced);
        expect(await gate.gauge(old, [campaignId])).toMatchObject([fenced]);
        expect(await gate.release(old, pending)).toMatchObject(fenced);
        expect(await gate.changeTerms(old, terms(campaignId, { version: 9 }))).toMatchObject(fenced);
        expect(await gate.openCampaign(old, terms(campaignId))).toMatchObject(fenced);
        expect(await gate.pendingBefore(old, campaignId, Number.MAX_SAFE_INTEGER, 10, 0)).toMatchObject(fenced);
        await gate.clearPending(old, claims);
        expect(await builder.leftBehind(old.epoch, epoch, campaignId)).toMatchObject({ staged: 0 });
        expect(bySequence(await builder.leftBehind(old.epoch, epoch, campaignId))).toEqual(claims);
      });

      it('finds the pending claims of users whom the new epoch does not hold, and no others', async () => {
        await builder.dropEpochsBelow(epoch, [], old.epoch);
        await builder.stage(epoch, campaignId, [staged('u2', 2), staged('u4', 4), staged('new', 6)]);
        const left = await builder.leftBehind(old.epoch, epoch, campaignId);
        expect(bySequence(left)).toEqual([claims[0], claims[2]]);
        expect(left?.staged).toBe(3);
      });

      it('finds them again for the next builder, until they are dropped', async () => {
        await builder.dropEpochsBelow(epoch, [], old.epoch);
        await builder.stage(epoch, campaignId, [staged('u4', 4)]);
        epoch = harness.nextEpoch();
        expect(await builder.dropEpochsBelow(epoch, [], old.epoch)).toEqual([campaignId]);
        expect(bySequence(await builder.leftBehind(old.epoch, epoch, campaignId))).toEqual(claims);
        await builder.dropSealed(old.epoch, [campaignId]);
        await builder.dropSealed(old.epoch, []);
        epoch = harness.nextEpoch();
        expect(await builder.dropEpochsBelow(epoch, [], old.epoch)).toEqual([]);
      });

      it('finds thousands of them', async () => {
        const many = Array.from({ length: 2_500 }, (_, index) => staged(`m${index}`, index + 1, { pending: true }));
        const last = epoch;
        await builder.stage(last, campaignId, many);
        await installed();
        await builder.openStaged(last, [{ ...terms(campaignId, { total: 2_500 }), sequence: 2_500 }]);
        epoch = harness.nextEpoch();
        await builder.dropEpochsBelow(epoch, [], last);
        await builder.stage(epoch, campaignId, many.slice(0, 700));
        const left = await builder.leftBehind(last, epoch, campaignId);
        expect(bySequence(left).map(({ userId }) => userId)).toEqual(many.slice(700).map(({ userId }) => userId));
        expect(left?.staged).toBe(700);
      });

      it.each<[string, () => Promise<unknown>]>([
        ['nothing is pending', () => gate.clearPending(old, claims)],
        ['a record is gone', () => harness.forgetRecord(old.epoch, campaignId, 'u1')],
        ['a pending entry is gone', () => harness.forgetPending(old.epoch, campaignId, 'u3')],
        ['its meta is gone', () => harness.deleteStructure(old.epoch, campaignId, 'meta')],
        ['its claims are gone', () => harness.deleteStructure(old.epoch, campaignId, 'applied_user')],
        ['its pending entries are gone', () => harness.deleteStructure(old.epoch, campaignId, 'pending')],
      ])('drops a campaign where %s', async (_what, damage) => {
        await damage();
        expect(await builder.dropEpochsBelow(epoch, [], old.epoch)).toEqual([]);
        expect(await gate.lookUp(old, campaignId, 'u1')).toMatchObject({ kind: 'fenced' });
        expect(await builder.dropEpochsBelow(harness.nextEpoch(), [], old.epoch)).toEqual([]);
      });

      it('does not trust a campaign that has lost something since it was sealed', async () => {
        await builder.dropEpochsBelow(epoch, [], old.epoch);
        await harness.forgetRecord(old.epoch, campaignId, 'u1');
        expect(await builder.leftBehind(old.epoch, epoch, campaignId)).toBeNull();
        expect(await builder.dropEpochsBelow(harness.nextEpoch(), [], old.epoch)).toEqual([]);
      });

      it('seals no other epoch, nor one that is not below its own', async () => {
        const other = harness.nextEpoch();
        expect(await builder.dropEpochsBelow(old.epoch, [], old.epoch)).toEqual([]);
        expect(await gate.lookUp(old, campaignId, 'u3')).toMatchObject({ kind: 'found' });
        expect(await builder.dropEpochsBelow(harness.nextEpoch(), [], other)).toEqual([]);
        expect(await builder.dropEpochsBelow(harness.nextEpoch(), [], old.epoch)).toEqual([]);
      });
    });

    it('abandons only its own epoch, and can do so twice', async () => {
      const campaignId = ulid();
      const kept = await installed();
      await builder.openStaged(epoch, [{ ...terms(campaignId), sequence: 0 }]);
      epoch = harness.nextEpoch();
      await builder.stage(epoch, campaignId, [staged('alice', 1)]);
      const abandoned = await installed();
      await builder.openStaged(epoch, [{ ...terms(campaignId), sequence: 1 }]);
      await builder.abandon(epoch);
      await builder.abandon(epoch);
      expect(await gate.lookUp(abandoned, campaignId, 'alice')).toMatchObject({ kind: 'fenced' });
      expect(await gate.lookUp(kept, campaignId, 'alice')).toEqual({ kind: 'absent' });
    });

    it('cannot be seen by the open epoch when it wakes up late and writes to an old one', async () => {
      const campaignId = ulid();
      const late = epoch;
      await builder.stage(late, campaignId, [staged('alice', 1)]);
      epoch = harness.nextEpoch();
      await builder.dropEpochsBelow(epoch);
      const pass = await installed();
      await builder.openStaged(epoch, [{ ...terms(campaignId, { total: 1 }), sequence: 0 }]);
      const before = await gate.gauge(pass, [campaignId]);

      await builder.stage(late, campaignId, [staged('bob', 2), staged('carol', 3)]);
      // A gate may find out that what belongs to the epoch is gone.
      const opening = builder.openStaged(late, [{ ...terms(campaignId, { total: 9, version: 9 }), sequence: 3 }]);
      await opening.catch((error: unknown) => expect(error).toBeInstanceOf(GateUnavailableError));
      await builder.abandon(late);

      expect(await gate.gauge(pass, [campaignId])).toEqual(before);
      expect(await gate.claim(pass, request(campaignId, 'bob'))).toMatchObject({ kind: 'admitted', sequence: 1 });
    });

    it('gives every epoch its own fence', async () => {
      const first = await installed();
      epoch = harness.nextEpoch();
      const second = await installed();
      expect(second.fence).not.toBe(first.fence);
      expect(await gate.ping(first)).toMatchObject({ kind: 'ok' });
      expect(await gate.ping(second)).toMatchObject({ kind: 'ok' });
    });
  });
}
