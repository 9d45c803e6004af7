import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ulid } from 'ulid';
import { type GateBuilder } from '../../src/gate/gate-builder.js';
import { type ClaimRequest } from '../../src/domain/claim.js';
import {
  type CampaignTerms,
  type ClaimOutcome,
  type GatePass,
  GateUnavailableError,
  type IssuanceGate,
} from '../../src/gate/issuance-gate.js';
import { eventually } from '../support/eventually.js';

/** What differs between gates. Damage is done behind the gate's back, as a wipe or an eviction would. */
export interface IssuanceGateHarness {
  readonly gate: IssuanceGate;
  readonly builder: GateBuilder;
  /** An epoch that was never used in this memory; rises. */
  nextEpoch(): number;
  /** Loses everything, of every epoch. */
  wipe(): Promise<void>;
  /** Loses one of the three structures of one campaign. */
  deleteStructure(epoch: number, campaignId: string, structure: 'meta' | 'applied_user' | 'pending'): Promise<void>;
  /** Loses one user's record, and nothing else. */
  forgetRecord(epoch: number, campaignId: string, userId: string): Promise<void>;
  /** Loses one pending entry, and nothing else. */
  forgetPending(epoch: number, campaignId: string, userId: string): Promise<void>;
  close(): Promise<void>;
}

const HOUR = 3_600_000;

export function terms(campaignId: string, over: Partial<CampaignTerms> = {}): CampaignTerms {
  return { campaignId, total: 100, startsAt: 0, endsAt: null, state: 'OPEN', version: 1, ...over };
}

export function request(campaignId: string, userId: string, over: Partial<ClaimRequest> = {}): ClaimRequest {
  return { campaignId, userId, claimId: ulid(), idempotencyDigest: null, ...over };
}

/** What the gate answers once it is there: a fence may have it give up its connection, to ask the address again. */
export async function answered<T>(call: () => Promise<T>): Promise<T> {
  const outcome = await eventually(() =>
    call().then(
      (answer) => ({ answer }),
      (error: unknown) => {
        if (error instanceof GateUnavailableError) throw error;
        return { error: error as Error };
      },
    ),
  );
  if ('error' in outcome) throw outcome.error;
  return outcome.answer;
}

export function describeIssuanceGateContract(name: string, openHarness: () => Promise<IssuanceGateHarness>): void {
  describe(`${name} as an IssuanceGate`, () => {
    let harness: IssuanceGateHarness;
    let gate: IssuanceGate;
    let pass: GatePass;

    const openEpoch = async (): Promise<GatePass> => {
      const epoch = harness.nextEpoch();
      return { epoch, fence: await harness.builder.installFence(epoch) };
    };
    const open = async (over: Partial<CampaignTerms> = {}): Promise<string> => {
      const campaignId = ulid();
      expect(await gate.openCampaign(pass, terms(campaignId, over))).toBe('opened');
      return campaignId;
    };
    const admit = async (campaignId: string, userId: string, under: GatePass = pass) => {
      const claim = request(campaignId, userId);
      const outcome = await gate.claim(under, claim);
      if (outcome.kind !== 'ADMITTED') throw new Error(`expected ADMITTED, got ${JSON.stringify(outcome)}`);
      return { ...claim, ...outcome };
    };
    const gaugeOf = async (campaignId: string, under: GatePass = pass) => {
      const [gauge] = await gate.gauge(under, [campaignId]);
      if (gauge === undefined || 'kind' in gauge) throw new Error(`expected a gauge, got ${JSON.stringify(gauge)}`);
      return gauge;
    };

    beforeAll(async () => {
      harness = await openHarness();
      gate = harness.gate;
      pass = await openEpoch();
    });
    afterAll(() => harness.close());

    it('says that it takes claims, and keeps nothing of the question', async () => {
      await gate.checkWritable();
      expect(await gate.gauge(pass, ['probe'])).toEqual([{ kind: 'FENCED', reason: 'meta-missing' }]);
    });

    describe('claim', () => {
      it('admits with the first sequence, the gate’s time and what remains', async () => {
        const campaignId = await open({ total: 3 });
        const before = await gate.now();
        const first = await gate.claim(pass, request(campaignId, 'alice'));
        expect(first).toEqual({ kind: 'ADMITTED', sequence: 1, claimedAt: expect.any(Number) });
        const { claimedAt } = first as Extract<ClaimOutcome, { kind: 'ADMITTED' }>;
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
        if (first.kind !== 'ADMITTED') throw new Error('not admitted');
        const record = {
          claimId: claim.claimId,
          sequence: 1,
          claimedAt: first.claimedAt,
          idempotencyDigest: digest,
        };
        expect(await gate.claim(pass, request(campaignId, 'alice'))).toEqual({
          kind: 'DUPLICATE',
          record,
          pending: true,
        });
        await gate.clearPending(pass, [claim]);
        expect(await gate.claim(pass, request(campaignId, 'alice'))).toEqual({
          kind: 'DUPLICATE',
          record,
          pending: false,
        });
        expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 1, sequence: 1 });
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
        expect(await gate.claim(pass, claim)).toMatchObject({ kind: 'DUPLICATE', record: { claimId: claim.claimId } });
      });

      it('refuses what is paused, closed, not started, ended and sold out', async () => {
        const now = await gate.now();
        const outcome = async (over: Partial<CampaignTerms>) =>
          gate.claim(pass, request(await open(over), 'alice')) as Promise<ClaimOutcome>;
        expect(await outcome({ state: 'PAUSED' })).toEqual({ kind: 'PAUSED' });
        expect(await outcome({ state: 'CLOSED' })).toEqual({ kind: 'CLOSED' });
        expect(await outcome({ startsAt: now + HOUR })).toEqual({ kind: 'NOT_STARTED', startsAt: now + HOUR });
        expect(await outcome({ endsAt: now - 1 })).toEqual({ kind: 'ENDED' });
        expect(await outcome({ total: 0 })).toEqual({ kind: 'SOLD_OUT' });
      });

      it('opens at startsAt and is over at endsAt', async () => {
        const now = await gate.now();
        expect(await gate.claim(pass, request(await open({ startsAt: now }), 'a'))).toMatchObject({ kind: 'ADMITTED' });
        expect(await gate.claim(pass, request(await open({ endsAt: now }), 'a'))).toEqual({ kind: 'ENDED' });
        expect(await gate.claim(pass, request(await open({ startsAt: now - HOUR, endsAt: now + HOUR }), 'a'))).toEqual(
          expect.objectContaining({ kind: 'ADMITTED' }),
        );
      });

      it('admits in no ms before startsAt and in none from endsAt on, by its own clock', async () => {
        const seenInWindowOf = async (ms: number): Promise<string[]> => {
          const startsAt = (await gate.now()) + ms;
          const endsAt = startsAt + ms;
          const campaignId = await open({ total: 1_000_000, startsAt, endsAt });
          const kinds = new Set<string>();
          const claimId = ulid();
          for (let user = 0; !kinds.has('ENDED'); user++) {
            const outcome = await gate.claim(pass, {
              campaignId,
              userId: `u${user}`,
              claimId,
              idempotencyDigest: null,
            });
            kinds.add(outcome.kind);
            if (outcome.kind !== 'ADMITTED') continue;
            if (outcome.claimedAt < startsAt || outcome.claimedAt >= endsAt) throw new Error(`at ${outcome.claimedAt}`);
          }
          return [...kinds];
        };
        // A machine that is busy elsewhere may sleep through a short window, or open the campaign when it has begun.
        let kinds: string[] = [];
        for (let ms = 10; kinds.length < 3 && ms <= 2_560; ms *= 2) kinds = await seenInWindowOf(ms);
        expect(kinds).toEqual(['NOT_STARTED', 'ADMITTED', 'ENDED']);
      });

      it('asks for state before window before stock', async () => {
        const now = await gate.now();
        const outcome = async (over: Partial<CampaignTerms>) =>
          (await gate.claim(pass, request(await open({ total: 0, ...over }), 'alice'))).kind;
        expect(await outcome({ state: 'PAUSED', startsAt: now + HOUR })).toBe('PAUSED');
        expect(await outcome({ state: 'CLOSED', endsAt: now - 1 })).toBe('CLOSED');
        expect(await outcome({ startsAt: now + HOUR })).toBe('NOT_STARTED');
        expect(await outcome({ endsAt: now - 1 })).toBe('ENDED');
      });

      it('shows a winner the claim whatever became of state, window and stock', async () => {
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
          expect((await gate.claim(pass, request(campaignId, 'loser'))).kind).not.toMatch(/DUPLICATE|ADMITTED/);
        }
        expect(new Set(kinds)).toEqual(new Set(['DUPLICATE']));
      });

      it('takes nothing from the stock for a refusal', async () => {
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
        const sequences = outcomes.flatMap((outcome) => (outcome.kind === 'ADMITTED' ? [outcome.sequence] : []));
        expect(sequences.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
        expect(outcomes.filter(({ kind }) => kind === 'SOLD_OUT')).toHaveLength(900);
        expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 100, sequence: 100, pending: 100 });
      });

      it('admits one of 1,000 parallel claims of one user and shows that one to the 999 others', async () => {
        const campaignId = await open();
        const claims = Array.from({ length: 1_000 }, () => request(campaignId, 'alice'));
        const outcomes = await Promise.all(claims.map((claim) => gate.claim(pass, claim)));
        const winner = outcomes.findIndex(({ kind }) => kind === 'ADMITTED');
        const admitted = outcomes[winner] as Extract<ClaimOutcome, { kind: 'ADMITTED' }>;
        const record = {
          claimId: claims[winner]?.claimId,
          sequence: 1,
          claimedAt: admitted.claimedAt,
          idempotencyDigest: null,
        };
        outcomes.splice(winner, 1);
        expect(outcomes).toHaveLength(999);
        for (const outcome of outcomes) expect(outcome).toEqual({ kind: 'DUPLICATE', record, pending: true });
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
          expect(kinds.filter((kind) => kind === 'ADMITTED')).toHaveLength(total);
          expect(kinds.filter((kind) => kind === 'SOLD_OUT')).toHaveLength(40 - total);
          expect(await gaugeOf(id)).toMatchObject({ claimed: total, sequence: total });
        }
      });

      it('decides claims that arrive together each by its own campaign, whatever is wrong with another one', async () => {
        const good = await open({ total: 2 });
        const other = await open({ total: 1 });
        const paused = await open({ state: 'PAUSED' });
        const broken = await open();
        await admit(broken, 'forgotten');
        await harness.deleteStructure(pass.epoch, broken, 'applied_user');
        const asked = [good, ulid(), broken, other, paused, good, broken, other, good];
        const outcomes = await Promise.all(asked.map((id, user) => gate.claim(pass, request(id, `user-${user}`))));
        expect(outcomes).toMatchObject([
          { kind: 'ADMITTED', sequence: 1 },
          { kind: 'FENCED', reason: 'meta-missing' },
          { kind: 'FENCED', reason: 'count-mismatch' },
          { kind: 'ADMITTED', sequence: 1 },
          { kind: 'PAUSED' },
          { kind: 'ADMITTED', sequence: 2 },
          { kind: 'FENCED', reason: 'count-mismatch' },
          { kind: 'SOLD_OUT' },
          { kind: 'SOLD_OUT' },
        ]);
        expect(await gaugeOf(good)).toMatchObject({ claimed: 2, sequence: 2, pending: 2 });
        expect(await gaugeOf(other)).toMatchObject({ claimed: 1, sequence: 1, pending: 1 });
      });

      it('takes every allowed character of the ids, at every allowed length', async () => {
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
          expect(await gate.openCampaign(own, terms(campaignId))).toBe('opened');
          for (const userId of users) {
            const { claimId } = await admit(campaignId, userId, own);
            expect(await gate.lookUp(own, campaignId, userId)).toMatchObject({ kind: 'FOUND', record: { claimId } });
          }
          expect(await gaugeOf(campaignId, own)).toMatchObject({ claimed: users.length });
        }
      });

      it('takes users whose ids differ only by case for different users', async () => {
        const campaignId = await open();
        for (const [index, userId] of ['alice', 'Alice', 'ALICE'].entries()) {
          expect((await admit(campaignId, userId)).sequence).toBe(index + 1);
        }
      });
    });

    describe('lookUp', () => {
      it('finds a claim, and knows when there is none', async () => {
        const campaignId = await open();
        const { claimId, sequence, claimedAt } = await admit(campaignId, 'alice');
        expect(await gate.lookUp(pass, campaignId, 'alice')).toEqual({
          kind: 'FOUND',
          record: { claimId, sequence, claimedAt, idempotencyDigest: null },
          pending: true,
        });
        expect(await gate.lookUp(pass, campaignId, 'bob')).toEqual({ kind: 'ABSENT' });
      });

      it('hands out copies: what a caller does to them changes nothing', async () => {
        const campaignId = await open();
        const { claimId } = await admit(campaignId, 'alice');
        const found = await gate.lookUp(pass, campaignId, 'alice');
        if (found.kind !== 'FOUND') throw new Error('not found');
        found.record.claimId = 'changed';
        const duplicate = await gate.claim(pass, request(campaignId, 'alice'));
        if (duplicate.kind !== 'DUPLICATE') throw new Error('not a duplicate');
        duplicate.record.sequence = 99;
        expect(await gate.lookUp(pass, campaignId, 'alice')).toMatchObject({ record: { claimId, sequence: 1 } });
      });
    });

    describe('release', () => {
      it('frees the slot once, and leaves another claim alone', async () => {
        const campaignId = await open({ total: 1 });
        const claim = await admit(campaignId, 'alice');
        expect(await gate.release(pass, { ...claim, claimId: ulid() })).toBe('gone');
        expect(await gate.release(pass, { ...claim, userId: 'bob' })).toBe('gone');
        expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 1 });
        expect(await gate.release(pass, claim)).toBe('released');
        expect(await gate.release(pass, claim)).toBe('gone');
        expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 0, pending: 0, sequence: 1 });
        expect(await gate.lookUp(pass, campaignId, 'alice')).toEqual({ kind: 'ABSENT' });
      });

      it('lets the user claim again, with a higher sequence, and protects the new claim from the old release', async () => {
        const campaignId = await open({ total: 1 });
        const first = await admit(campaignId, 'alice');
        await gate.release(pass, first);
        const second = await admit(campaignId, 'alice');
        expect(second).toMatchObject({ sequence: 2 });
        expect(await gate.release(pass, first)).toBe('gone');
        expect((await gate.claim(pass, request(campaignId, 'bob'))).kind).toBe('SOLD_OUT');
      });

      it('frees one slot for 100 parallel releases of one claim', async () => {
        const campaignId = await open({ total: 2 });
        const claim = await admit(campaignId, 'alice');
        await admit(campaignId, 'bob');
        const answers = await Promise.all(Array.from({ length: 100 }, () => gate.release(pass, claim)));
        expect(answers.filter((answer) => answer === 'released')).toHaveLength(1);
        expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 1, pending: 1 });
      });

      it('frees a claim that is no longer pending, also while paused', async () => {
        const campaignId = await open();
        const claim = await admit(campaignId, 'alice');
        await gate.clearPending(pass, [claim]);
        await gate.changeTerms(pass, terms(campaignId, { state: 'PAUSED', version: 2 }));
        expect(await gate.release(pass, claim)).toBe('released');
        expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 0, pending: 0 });
      });
    });

    describe('clearPending', () => {
      it('clears only the claims that are named, by user and claimId, and can be repeated', async () => {
        const [here, there] = [await open(), await open()];
        const alice = await admit(here, 'alice');
        const bob = await admit(here, 'bob');
        await admit(there, 'alice');
        await gate.clearPending(pass, [{ ...bob, claimId: ulid() }, { ...alice, userId: 'nobody' }, alice, alice]);
        await gate.clearPending(pass, [alice]);
        expect(await gaugeOf(here)).toMatchObject({ claimed: 2, pending: 1 });
        expect(await gaugeOf(there)).toMatchObject({ claimed: 1, pending: 1 });
        expect(await gate.lookUp(pass, here, 'alice')).toMatchObject({ kind: 'FOUND', pending: false });
        expect(await gate.lookUp(pass, here, 'bob')).toMatchObject({ kind: 'FOUND', pending: true });
      });

      it('clears claims of several campaigns in one call, around one that is fenced or unknown', async () => {
        const [good, broken] = [await open(), await open()];
        const kept = await admit(good, 'alice');
        const lost = await admit(broken, 'alice');
        await harness.deleteStructure(pass.epoch, broken, 'pending');
        await gate.clearPending(pass, [{ ...kept, campaignId: ulid() }, lost, kept]);
        expect(await gaugeOf(good)).toMatchObject({ pending: 0 });
      });

      it('clears 2,000 claims at once and takes an empty list', async () => {
        const campaignId = await open({ total: 2_000 });
        const claims = await Promise.all(Array.from({ length: 2_000 }, (_, user) => admit(campaignId, `u${user}`)));
        await gate.clearPending(pass, claims);
        await gate.clearPending(pass, []);
        expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 2_000, pending: 0, oldestPendingAt: null });
      });
    });

    describe('openCampaign and changeTerms', () => {
      it('opens once: what is open keeps its terms and its claims', async () => {
        const campaignId = await open({ total: 1 });
        await admit(campaignId, 'alice');
        expect(await gate.openCampaign(pass, terms(campaignId, { total: 50, version: 9 }))).toBe('exists');
        expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 1, terms: { total: 1, version: 1 } });
      });

      it('ignores the same and older versions, and keeps every field of a newer one', async () => {
        const campaignId = await open({ version: 5 });
        expect(await gate.changeTerms(pass, terms(campaignId, { total: 7, version: 5 }))).toBe('older');
        expect(await gate.changeTerms(pass, terms(campaignId, { total: 7, version: 4 }))).toBe('older');
        expect((await gaugeOf(campaignId)).terms).toEqual(terms(campaignId, { version: 5 }));
        const newer = terms(campaignId, { total: 7, startsAt: 12, endsAt: 99, state: 'PAUSED', version: 10 });
        expect(await gate.changeTerms(pass, newer)).toBe('changed');
        expect((await gaugeOf(campaignId)).terms).toEqual(newer);
        const endless = { ...newer, endsAt: null, version: 11 };
        expect(await gate.changeTerms(pass, endless)).toBe('changed');
        expect((await gaugeOf(campaignId)).terms).toEqual(endless);
      });

      it('compares versions and totals as numbers', async () => {
        const campaignId = await open({ version: 9, total: 9 });
        expect(await gate.changeTerms(pass, terms(campaignId, { version: 10, total: 10_000_000 }))).toBe('changed');
        expect(await gate.changeTerms(pass, terms(campaignId, { version: 9, total: 9 }))).toBe('older');
        for (const userId of ['a', 'b', 'c']) await admit(campaignId, userId);
        expect(await gate.changeTerms(pass, terms(campaignId, { version: 11, total: 10 }))).toBe('changed');
      });

      it('refuses a total below what was admitted, and changes nothing then', async () => {
        const campaignId = await open({ total: 5 });
        for (const userId of ['a', 'b', 'c']) await admit(campaignId, userId);
        expect(await gate.changeTerms(pass, terms(campaignId, { total: 2, state: 'CLOSED', version: 2 }))).toBe(
          'below-claimed',
        );
        expect((await gaugeOf(campaignId)).terms).toEqual(terms(campaignId, { total: 5 }));
        expect(await gate.changeTerms(pass, terms(campaignId, { total: 3, version: 2 }))).toBe('changed');
        expect((await gate.claim(pass, request(campaignId, 'd'))).kind).toBe('SOLD_OUT');
      });

      it('takes every other change of a gate that was rebuilt with more claims than the total', async () => {
        const campaignId = ulid();
        const own = await openEpoch();
        const claims = ['a', 'b', 'c'].map((userId, index) => ({
          ...{ userId, claimId: ulid(), sequence: index + 1, claimedAt: 1_000 },
          ...{ idempotencyDigest: null, pending: false },
        }));
        await harness.builder.stage(own.epoch, campaignId, claims);
        await harness.builder.openStaged(own.epoch, [{ ...terms(campaignId, { total: 2 }), sequence: 3 }]);
        const change = (over: Parameters<typeof terms>[1]) => gate.changeTerms(own, terms(campaignId, over));
        expect(await change({ total: 2, state: 'PAUSED', version: 2 })).toBe('changed');
        expect((await gate.claim(own, request(campaignId, 'd'))).kind).toBe('PAUSED');
        expect(await change({ total: 1, state: 'CLOSED', version: 3 })).toBe('below-claimed');
        expect(await change({ total: 2, state: 'CLOSED', version: 3 })).toBe('changed');
        // And where there are fewer again, it is closed all the same.
        for (const { userId, claimId } of claims) await gate.release(own, { campaignId, userId, claimId });
        expect((await gate.claim(own, request(campaignId, 'd'))).kind).toBe('CLOSED');
      });

      it('sells again after the total was raised', async () => {
        const campaignId = await open({ total: 1 });
        await admit(campaignId, 'a');
        expect((await gate.claim(pass, request(campaignId, 'b'))).kind).toBe('SOLD_OUT');
        await gate.changeTerms(pass, terms(campaignId, { total: 2, version: 2 }));
        expect(await admit(campaignId, 'b')).toMatchObject({ sequence: 2 });
      });

      it('pauses, resumes and closes without losing a claim', async () => {
        const campaignId = await open();
        await admit(campaignId, 'a');
        for (const [version, state, kind] of [
          [2, 'PAUSED', 'PAUSED'],
          [3, 'OPEN', 'ADMITTED'],
          [4, 'CLOSED', 'CLOSED'],
        ] as const) {
          await gate.changeTerms(pass, terms(campaignId, { state, version }));
          expect((await gate.claim(pass, request(campaignId, `u${version}`))).kind).toBe(kind);
        }
        expect(await gaugeOf(campaignId)).toMatchObject({ claimed: 2, pending: 2, sequence: 2 });
      });

      it('never creates a campaign by changing it', async () => {
        const campaignId = ulid();
        expect(await gate.changeTerms(pass, terms(campaignId))).toEqual({ kind: 'FENCED', reason: 'meta-missing' });
        expect(await gate.claim(pass, request(campaignId, 'a'))).toEqual({ kind: 'FENCED', reason: 'meta-missing' });
        expect(await gate.openCampaign(pass, terms(campaignId))).toBe('opened');
      });

      it('is not moved by what the caller does to the terms afterwards', async () => {
        const mine = terms(ulid(), { total: 1 });
        await gate.openCampaign(pass, mine);
        mine.total = 50;
        (await gaugeOf(mine.campaignId)).terms.total = 60;
        expect((await gaugeOf(mine.campaignId)).terms.total).toBe(1);
      });
    });

    describe('gauge', () => {
      it('answers in the order of the ids, a fence in its place, and nothing for nothing', async () => {
        const [one, two] = [await open({ total: 1 }), await open({ total: 2 })];
        const unknown = ulid();
        expect(await gate.gauge(pass, [two, unknown, one])).toEqual([
          expect.objectContaining({ campaignId: two, terms: terms(two, { total: 2 }) }),
          { kind: 'FENCED', reason: 'meta-missing' },
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
          if ('kind' in found) throw new Error(found.reason);
          return found;
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

      it('puts what was claimed after a rebuild behind what was claimed before it', async () => {
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
        if ('kind' in page) throw new Error(page.reason);
        expect(page.map(({ userId }) => userId)).toEqual(['at-1000', 'at-2000', 'new']);
      });

      it('gives each of 300 claims of one instant to exactly one page', async () => {
        const campaignId = await open({ total: 300 });
        await Promise.all(Array.from({ length: 300 }, (_, user) => admit(campaignId, `u${user}`)));
        const before = (await gate.now()) + HOUR;
        const seen: string[] = [];
        for (let offset = 0; offset < 300; offset += 70) {
          const page = await gate.pendingBefore(pass, campaignId, before, 70, offset);
          if ('kind' in page) throw new Error(page.reason);
          seen.push(...page.map(({ userId }) => userId));
        }
        expect(seen).toHaveLength(300);
        expect(new Set(seen).size).toBe(300);
      });
    });

    describe('the fence', () => {
      /** Every call that carries a pass, with how it says FENCED. */
      const fences = async (under: GatePass, campaignId: string, claim: ClaimRequest) => {
        const outcomes = {
          claim: await answered(() => gate.claim(under, request(campaignId, 'somebody'))),
          lookUp: await answered(() => gate.lookUp(under, campaignId, claim.userId)),
          release: await answered(() => gate.release(under, claim)),
          changeTerms: await answered(() => gate.changeTerms(under, terms(campaignId, { version: 99 }))),
          gauge: (await answered(() => gate.gauge(under, [campaignId])))[0],
          pendingBefore: await answered(() => gate.pendingBefore(under, campaignId, Number.MAX_SAFE_INTEGER, 10, 0)),
        };
        // Whatever comes next finds the gate there.
        await answered(() => gate.now());
        return outcomes;
      };
      const all = (reason: string) => {
        const fenced = { kind: 'FENCED', reason };
        return {
          claim: fenced,
          lookUp: fenced,
          release: fenced,
          changeTerms: fenced,
          gauge: fenced,
          pendingBefore: fenced,
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
        expect(await gate.openCampaign(own, terms(campaignId, { version: 2 }))).toEqual({ kind: 'FENCED', reason });
        expect((await gate.claim(own, request(other, 'alice'))).kind).toBe('ADMITTED');
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

      it('answers FENCED after everything is gone, never SOLD_OUT and never a yes', async () => {
        const lost = await openEpoch();
        const campaignId = ulid();
        await gate.openCampaign(lost, terms(campaignId, { total: 1 }));
        const claim = await admit(campaignId, 'alice', lost);
        await harness.wipe();
        for (const outcome of Object.values(await fences(lost, campaignId, claim))) {
          expect(outcome).toMatchObject({ kind: 'FENCED' });
        }
        pass = await openEpoch();
      });

      it('lets nobody in with an invented pass or that of another epoch', async () => {
        const [one, two] = [await openEpoch(), await openEpoch()];
        const campaignId = ulid();
        await gate.openCampaign(two, terms(campaignId));
        const claim = await admit(campaignId, 'alice', two);
        const forged: GatePass[] = [
          { epoch: two.epoch, fence: one.fence },
          { epoch: two.epoch, fence: '0'.repeat(two.fence.length) },
        ];
        for (const pass of forged) {
          const outcomes = await fences(pass, campaignId, claim);
          for (const outcome of Object.values(outcomes)) expect(outcome).toMatchObject({ kind: 'FENCED' });
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
          expect(outcome).toMatchObject({ kind: 'FENCED' });
        }
        expect(await gate.ping(pass)).toBe('ok');
        await gate.openCampaign(pass, terms(campaignId));
        expect((await gate.claim(pass, request(campaignId, 'alice'))).kind).toBe('ADMITTED');
      });

      it('pings ok under an open epoch and FENCED under one that was never opened', async () => {
        expect(await gate.ping(pass)).toBe('ok');
        const never = { epoch: harness.nextEpoch(), fence: '0'.repeat(pass.fence.length) };
        expect(await gate.ping(never)).toEqual({ kind: 'FENCED', reason: 'fence-missing' });
        await answered(() => gate.now());
      });
    });

    it('behaves like the simplest model of itself under random calls', async () => {
      const users = ['a', 'b', 'c', 'd', 'A'];
      const user = fc.constantFrom(...users);
      const call = fc.oneof(
        { weight: 6, arbitrary: fc.record({ do: fc.constant('claim' as const), user }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), user, stale: fc.boolean() }) },
        { weight: 2, arbitrary: fc.record({ do: fc.constant('clear' as const), user, stale: fc.boolean() }) },
        {
          weight: 2,
          arbitrary: fc.record({
            do: fc.constant('change' as const),
            total: fc.integer({ min: 0, max: 6 }),
            version: fc.integer({ min: 1, max: 8 }),
            state: fc.constantFrom('OPEN' as const, 'OPEN' as const, 'PAUSED' as const, 'CLOSED' as const),
          }),
        },
      );
      const own = await openEpoch();
      await fc.assert(
        fc.asyncProperty(fc.array(call, { maxLength: 40 }), fc.integer({ min: 0, max: 5 }), async (calls, total) => {
          const campaignId = ulid();
          let current = terms(campaignId, { total });
          let sequence = 0;
          const claims = new Map<string, { claimId: string; sequence: number; pending: boolean }>();
          await gate.openCampaign(own, current);
          for (const step of calls) {
            switch (step.do) {
              case 'claim': {
                const claim = request(campaignId, step.user);
                const held = claims.get(step.user);
                const expected =
                  held !== undefined
                    ? {
                        kind: 'DUPLICATE',
                        record: { claimId: held.claimId, sequence: held.sequence },
                        pending: held.pending,
                      }
                    : current.state !== 'OPEN'
                      ? { kind: current.state }
                      : claims.size >= current.total
                        ? { kind: 'SOLD_OUT' }
                        : { kind: 'ADMITTED', sequence: sequence + 1 };
                expect(await gate.claim(own, claim)).toMatchObject(expected);
                if (expected.kind !== 'ADMITTED') break;
                sequence += 1;
                claims.set(step.user, { claimId: claim.claimId, sequence, pending: true });
                break;
              }
              case 'release':
              case 'clear': {
                const held = claims.get(step.user);
                const claimId = step.stale || held === undefined ? ulid() : held.claimId;
                const reference = { campaignId, userId: step.user, claimId };
                const hit = held?.claimId === claimId;
                if (step.do === 'clear') {
                  await gate.clearPending(own, [reference]);
                  if (hit) held.pending = false;
                } else {
                  expect(await gate.release(own, reference)).toBe(hit ? 'released' : 'gone');
                  if (hit) claims.delete(step.user);
                }
                break;
              }
              case 'change': {
                const next = { ...current, total: step.total, version: step.version, state: step.state };
                const expected =
                  next.version <= current.version ? 'older' : next.total < claims.size ? 'below-claimed' : 'changed';
                expect(await gate.changeTerms(own, next)).toBe(expected);
                if (expected === 'changed') current = next;
                break;
              }
            }
            expect(await gaugeOf(campaignId, own)).toMatchObject({
              terms: current,
              claimed: claims.size,
              sequence,
              pending: [...claims.values()].filter(({ pending }) => pending).length,
            });
          }
        }),
        { numRuns: 150 },
      );
    });
  });
}
