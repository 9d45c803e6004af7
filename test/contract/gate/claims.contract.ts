import { beforeAll, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import {
  type CampaignTerms,
  type ClaimOutcome,
  type GatePass,
  type IssuanceGate,
} from '../../../src/ports/gate/issuance-gate.js';
import { PROVIDER_IDS } from '../../support/user-ids.js';
import { type GateUnderTest, type IssuanceGateHarness, request, terms } from './gate-under-test.js';

const HOUR = 3_600_000;

/** The answers to claims, and their slots. */
export function describeClaims(under: GateUnderTest): void {
  const { openEpoch, open, admit, gaugeOf } = under;
  let harness: IssuanceGateHarness;
  let gate: IssuanceGate;
  let pass: GatePass;
  beforeAll(() => {
    ({ harness, gate, pass } = under);
  });

  describe('claim', () => {
    it('admits with the first sequence, the gate’s time and what remains', async () => {
      const campaignId = await open({ total: 3 });
      const before = await gate.now();
      const first = await gate.claim(pass, request(campaignId, 'alice'));
      expect(first).toEqual({ kind: 'admitted', sequence: 1, claimedAt: expect.any(Number) });
      const { claimedAt } = first as Extract<ClaimOutcome, { kind: 'admitted' }>;
      expect(claimedAt).toBeGreaterThanOrEqual(before);
      expect(claimedAt).toBeLessThanOrEqual(await gate.now());
      expect(Number.isInteger(claimedAt)).toBe(true);
      expect(await gate.claim(pass, request(campaignId, 'bob'))).toMatchObject({ sequence: 2 });
    });

    it('answers a second claim with the first record and whether it is pending', async () => {
      const campaignId = await open();
      const digest = 'A'.repeat(43);
      const claim = request(campaignId, 'alice', { idempotencyDigest: digest });
      const first = await gate.claim(pass, claim);
      if (first.kind !== 'admitted') throw new Error('not admitted');
      const record = {
        claimId: claim.claimId,
        sequence: 1,
        claimedAt: first.claimedAt,
        idempotencyDigest: digest,
      };
      expect(await gate.claim(pass, request(campaignId, 'alice'))).toEqual({
        kind: 'duplicate',
        record,
        pending: true,
      });
      await gate.clearPending(pass, [claim]);
      expect(await gate.claim(pass, request(campaignId, 'alice'))).toEqual({
        kind: 'duplicate',
        record,
        pending: false,
      });
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 1, sequence: 1 });
    });

    it('keeps users apart whose ids are of the kinds that identity providers give', async () => {
      const campaignId = await open({ total: PROVIDER_IDS.length });
      const claims = await Promise.all(PROVIDER_IDS.map((userId) => admit(campaignId, userId)));
      for (const { userId, claimId } of claims) {
        expect(await gate.lookUp(pass, campaignId, userId)).toMatchObject({ record: { claimId }, pending: true });
      }
      const page = await gate.pendingBefore(pass, campaignId, Number.MAX_SAFE_INTEGER, 1_000, 0);
      if (page.kind !== 'page') throw new Error(`expected a page, got ${page.kind}`);
      expect(page.claims.map(({ userId }) => userId).sort()).toEqual([...PROVIDER_IDS].sort());
      await gate.clearPending(pass, claims.slice(1));
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: claims.length, pending: 1 });
      const [first] = claims;
      if (first !== undefined) expect(await gate.release(pass, first)).toEqual({ kind: 'released' });
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: claims.length - 1, pending: 0 });
    });

    it('keeps a record without an idempotency digest apart from one with', async () => {
      const campaignId = await open();
      await admit(campaignId, 'alice');
      expect(await gate.lookUp(pass, campaignId, 'alice')).toMatchObject({ record: { idempotencyDigest: null } });
    });

    it('answers the same claimId sent twice as a duplicate of itself', async () => {
      const campaignId = await open();
      const claim = request(campaignId, 'alice');
      await gate.claim(pass, claim);
      expect(await gate.claim(pass, claim)).toMatchObject({ kind: 'duplicate', record: { claimId: claim.claimId } });
    });

    it('refuses claims while paused, closed, not started, ended and sold out', async () => {
      const now = await gate.now();
      const outcome = async (over: Partial<CampaignTerms>) =>
        gate.claim(pass, request(await open(over), 'alice')) as Promise<ClaimOutcome>;
      expect(await outcome({ state: 'PAUSED' })).toEqual({ kind: 'campaign-paused' });
      expect(await outcome({ state: 'CLOSED' })).toEqual({ kind: 'campaign-closed' });
      expect(await outcome({ startsAt: now + HOUR })).toEqual({ kind: 'campaign-not-started', startsAt: now + HOUR });
      expect(await outcome({ endsAt: now - 1 })).toEqual({ kind: 'campaign-ended' });
      expect(await outcome({ total: 0 })).toEqual({ kind: 'sold-out', final: true });
    });

    it('says sold out for good only when no claim is pending', async () => {
      const campaignId = await open({ total: 2 });
      const first = await admit(campaignId, 'a');
      const second = await admit(campaignId, 'b');
      const refused = () => gate.claim(pass, request(campaignId, 'late'));
      expect(await refused()).toEqual({ kind: 'sold-out', final: false });
      await gate.clearPending(pass, [{ campaignId, userId: 'a', claimId: first.claimId }]);
      expect(await refused()).toEqual({ kind: 'sold-out', final: false });
      await gate.clearPending(pass, [{ campaignId, userId: 'b', claimId: second.claimId }]);
      expect(await refused()).toEqual({ kind: 'sold-out', final: true });
    });

    it('says sold out for good in no batch that has admitted a claim', async () => {
      const campaignId = await open({ total: 1 });
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, user) => gate.claim(pass, request(campaignId, `u${user}`))),
      );
      expect(outcomes.filter(({ kind }) => kind === 'admitted')).toHaveLength(1);
      const refused = outcomes.filter((outcome) => outcome.kind === 'sold-out');
      expect(refused).toEqual(Array.from({ length: 49 }, () => ({ kind: 'sold-out', final: false })));
    });

    it('opens at startsAt and is over at endsAt', async () => {
      const now = await gate.now();
      expect(await gate.claim(pass, request(await open({ startsAt: now }), 'a'))).toMatchObject({ kind: 'admitted' });
      expect(await gate.claim(pass, request(await open({ endsAt: now }), 'a'))).toEqual({ kind: 'campaign-ended' });
      expect(await gate.claim(pass, request(await open({ startsAt: now - HOUR, endsAt: now + HOUR }), 'a'))).toEqual(
        expect.objectContaining({ kind: 'admitted' }),
      );
    });

    it('admits in no ms before startsAt and in none from endsAt on, by its own clock', async () => {
      const seenInWindowOf = async (ms: number): Promise<string[]> => {
        const startsAt = (await gate.now()) + ms;
        const endsAt = startsAt + ms;
        const campaignId = await open({ total: 1_000_000, startsAt, endsAt });
        const kinds = new Set<string>();
        const claimId = ulid();
        for (let user = 0; !kinds.has('campaign-ended'); user++) {
          const outcome = await gate.claim(pass, {
            campaignId,
            userId: `u${user}`,
            claimId,
            idempotencyDigest: null,
          });
          kinds.add(outcome.kind);
          if (outcome.kind !== 'admitted') continue;
          if (outcome.claimedAt < startsAt || outcome.claimedAt >= endsAt) throw new Error(`at ${outcome.claimedAt}`);
        }
        return [...kinds];
      };
      // On a busy machine the process may miss a short window, or open the campaign after it has begun.
      let kinds: string[] = [];
      for (let ms = 10; kinds.length < 3 && ms <= 2_560; ms *= 2) kinds = await seenInWindowOf(ms);
      expect(kinds).toEqual(['campaign-not-started', 'admitted', 'campaign-ended']);
    });

    it('checks state before window before stock', async () => {
      const now = await gate.now();
      const outcome = async (over: Partial<CampaignTerms>) =>
        (await gate.claim(pass, request(await open({ total: 0, ...over }), 'alice'))).kind;
      expect(await outcome({ state: 'PAUSED', startsAt: now + HOUR })).toBe('campaign-paused');
      expect(await outcome({ state: 'CLOSED', endsAt: now - 1 })).toBe('campaign-closed');
      expect(await outcome({ startsAt: now + HOUR })).toBe('campaign-not-started');
      expect(await outcome({ endsAt: now - 1 })).toBe('campaign-ended');
    });

    it('shows winners their claim, whatever state, window and stock are now', async () => {
      const now = await gate.now();
      const campaignId = await open({ total: 1 });
      await admit(campaignId, 'winner');
      const kinds: string[] = [];
      const changes: Partial<CampaignTerms>[] = [
        {},
        { state: 'PAUSED' },
        { state: 'CLOSED' },
        { startsAt: now + HOUR },
        { endsAt: now - 1 },
      ];
      for (const [index, over] of changes.entries()) {
        await gate.changeTerms(pass, terms(campaignId, { total: 1, version: index + 2, ...over }));
        kinds.push((await gate.claim(pass, request(campaignId, 'winner'))).kind);
        expect((await gate.claim(pass, request(campaignId, 'loser'))).kind).not.toMatch(/^(duplicate|admitted)$/);
      }
      expect(new Set(kinds)).toEqual(new Set(['duplicate']));
    });

    it('takes no stock for a refusal', async () => {
      const campaignId = await open({ total: 1 });
      await admit(campaignId, 'winner');
      for (const userId of ['a', 'b', 'winner']) await gate.claim(pass, request(campaignId, userId));
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 1, sequence: 1, pending: 1 });
    });

    it('admits exactly the total of 1,000 parallel claims, in sequences without a gap', async () => {
      const campaignId = await open({ total: 100 });
      const outcomes = await Promise.all(
        Array.from({ length: 1_000 }, (_, user) => gate.claim(pass, request(campaignId, `user-${user}`))),
      );
      const sequences = outcomes.flatMap((outcome) => (outcome.kind === 'admitted' ? [outcome.sequence] : []));
      expect(sequences.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
      expect(outcomes.filter(({ kind }) => kind === 'sold-out')).toHaveLength(900);
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 100, sequence: 100, pending: 100 });
    });

    it('admits claims that arrive together in the order in which they came', async () => {
      const campaignId = await open({ total: 60 });
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, user) => gate.claim(pass, request(campaignId, `user-${user}`))),
      );
      const sequences = outcomes.map((outcome) => (outcome.kind === 'admitted' ? outcome.sequence : null));
      expect(sequences).toEqual(Array.from({ length: 100 }, (_, index) => (index < 60 ? index + 1 : null)));
    });

    it('admits one of 1,000 parallel claims of one user and shows it to the 999 others', async () => {
      const campaignId = await open();
      const claims = Array.from({ length: 1_000 }, () => request(campaignId, 'alice'));
      const outcomes = await Promise.all(claims.map((claim) => gate.claim(pass, claim)));
      const winner = outcomes.findIndex(({ kind }) => kind === 'admitted');
      const admitted = outcomes[winner] as Extract<ClaimOutcome, { kind: 'admitted' }>;
      const record = {
        claimId: claims[winner]?.claimId,
        sequence: 1,
        claimedAt: admitted.claimedAt,
        idempotencyDigest: null,
      };
      outcomes.splice(winner, 1);
      expect(outcomes).toHaveLength(999);
      for (const outcome of outcomes) expect(outcome).toEqual({ kind: 'duplicate', record, pending: true });
    });

    it('keeps 20 campaigns apart under mixed load', async () => {
      const campaigns = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => ({ id: await open({ total: index }), total: index })),
      );
      const outcomes = await Promise.all(
        Array.from({ length: 40 }, (_, user) => user).flatMap((user) =>
          campaigns.map(({ id }) => gate.claim(pass, request(id, `user-${user}`)).then(({ kind }) => ({ id, kind }))),
        ),
      );
      for (const { id, total } of campaigns) {
        const kinds = outcomes.filter((outcome) => outcome.id === id).map(({ kind }) => kind);
        expect(kinds.filter((kind) => kind === 'admitted')).toHaveLength(total);
        expect(kinds.filter((kind) => kind === 'sold-out')).toHaveLength(40 - total);
        expect(await gaugeOf(id)).toMatchObject({ claimed: total, sequence: total });
      }
    });

    it('decides claims that arrive together by their own campaigns, even if another one is damaged', async () => {
      const good = await open({ total: 2 });
      const other = await open({ total: 1 });
      const paused = await open({ state: 'PAUSED' });
      const broken = await open();
      await admit(broken, 'forgotten');
      await harness.deleteStructure(pass.epoch, broken, 'applied_user');
      const asked = [good, ulid(), broken, other, paused, good, broken, other, good];
      const outcomes = await Promise.all(asked.map((id, user) => gate.claim(pass, request(id, `user-${user}`))));
      expect(outcomes).toMatchObject([
        { kind: 'admitted', sequence: 1 },
        { kind: 'fenced', reason: 'meta-missing' },
        { kind: 'fenced', reason: 'count-mismatch' },
        { kind: 'admitted', sequence: 1 },
        { kind: 'campaign-paused' },
        { kind: 'admitted', sequence: 2 },
        { kind: 'fenced', reason: 'count-mismatch' },
        { kind: 'sold-out', final: false },
        { kind: 'sold-out', final: false },
      ]);
      expect(await gaugeOf(good)).toMatchObject({ claimed: 2, sequence: 2, pending: 2 });
      expect(await gaugeOf(other)).toMatchObject({ claimed: 1, sequence: 1, pending: 1 });
    });

    it('accepts every allowed character of the ids, at every allowed length', async () => {
      const ids = [
        '-',
        'default',
        'A'.repeat(26),
        'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
        'abcdefghijklmnopqrstuvwxyz',
        '0123456789-',
      ];
      const users = [
        '_',
        '-',
        '0',
        'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-',
        'toString',
        '__proto__',
      ];
      const own = await openEpoch();
      for (const campaignId of ids) {
        expect(await gate.openCampaign(own, terms(campaignId))).toEqual({ kind: 'opened' });
        for (const userId of users) {
          const { claimId } = await admit(campaignId, userId, own);
          expect(await gate.lookUp(own, campaignId, userId)).toMatchObject({ kind: 'found', record: { claimId } });
        }
        expect(await gaugeOf(campaignId, own)).toMatchObject({ claimed: users.length });
      }
    });

    it('treats users whose ids differ only by case as different users', async () => {
      const campaignId = await open();
      for (const [index, userId] of ['alice', 'Alice', 'ALICE'].entries()) {
        expect((await admit(campaignId, userId)).sequence).toBe(index + 1);
      }
    });
  });

  describe('lookUp', () => {
    it('finds a claim, and says if there is none', async () => {
      const campaignId = await open();
      const { claimId, sequence, claimedAt } = await admit(campaignId, 'alice');
      expect(await gate.lookUp(pass, campaignId, 'alice')).toEqual({
        kind: 'found',
        record: { claimId, sequence, claimedAt, idempotencyDigest: null },
        pending: true,
      });
      expect(await gate.lookUp(pass, campaignId, 'bob')).toEqual({ kind: 'absent' });
    });

    it('returns copies, which a caller may change without effect', async () => {
      const campaignId = await open();
      const { claimId } = await admit(campaignId, 'alice');
      const found = await gate.lookUp(pass, campaignId, 'alice');
      if (found.kind !== 'found') throw new Error('not found');
      found.record.claimId = 'changed';
      const duplicate = await gate.claim(pass, request(campaignId, 'alice'));
      if (duplicate.kind !== 'duplicate') throw new Error('not a duplicate');
      duplicate.record.sequence = 99;
      expect(await gate.lookUp(pass, campaignId, 'alice')).toMatchObject({ record: { claimId, sequence: 1 } });
    });
  });

  describe('release', () => {
    it('frees the slot once, and leaves another claim alone', async () => {
      const campaignId = await open({ total: 1 });
      const claim = await admit(campaignId, 'alice');
      expect(await gate.release(pass, { ...claim, claimId: ulid() })).toEqual({ kind: 'gone' });
      expect(await gate.release(pass, { ...claim, userId: 'bob' })).toEqual({ kind: 'gone' });
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 1 });
      expect(await gate.release(pass, claim)).toEqual({ kind: 'released' });
      expect(await gate.release(pass, claim)).toEqual({ kind: 'gone' });
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 0, pending: 0, sequence: 1 });
      expect(await gate.lookUp(pass, campaignId, 'alice')).toEqual({ kind: 'absent' });
    });

    it('lets the user claim again, with a higher sequence, and protects the new claim from the old release', async () => {
      const campaignId = await open({ total: 1 });
      const first = await admit(campaignId, 'alice');
      await gate.release(pass, first);
      const second = await admit(campaignId, 'alice');
      expect(second).toMatchObject({ sequence: 2 });
      expect(await gate.release(pass, first)).toEqual({ kind: 'gone' });
      expect((await gate.claim(pass, request(campaignId, 'bob'))).kind).toBe('sold-out');
    });

    it('frees one slot for 100 parallel releases of one claim', async () => {
      const campaignId = await open({ total: 2 });
      const claim = await admit(campaignId, 'alice');
      await admit(campaignId, 'bob');
      const answers = await Promise.all(Array.from({ length: 100 }, () => gate.release(pass, claim)));
      expect(answers.filter(({ kind }) => kind === 'released')).toHaveLength(1);
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 1, pending: 1 });
    });

    it('frees a claim that is no longer pending, also while paused', async () => {
      const campaignId = await open();
      const claim = await admit(campaignId, 'alice');
      await gate.clearPending(pass, [claim]);
      await gate.changeTerms(pass, terms(campaignId, { state: 'PAUSED', version: 2 }));
      expect(await gate.release(pass, claim)).toEqual({ kind: 'released' });
      expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 0, pending: 0 });
    });
  });
}
