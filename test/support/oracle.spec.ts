import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Evidence, KEPT, type Pardon, type Verdict, weigh } from '../../oracle/verdict.js';
import { type Answer, Client } from './client.js';
import { Drop } from './drop.js';

const EPOCH = 7;
const INSTANT = 1_764_000_000_000;

/** A coupon or a claim of this sequence, one second later for each. */
const claimOf = (sequence: number, more: { userId?: string; claimId?: string; claimedAt?: number } = {}) => ({
  userId: `u${sequence}`,
  claimId: `c${sequence}`,
  sequence,
  claimedAt: INSTANT + sequence * 1_000,
  ...more,
});
type TestClaim = ReturnType<typeof claimOf>;

/** Answers as the test says: at once, or when the test lets it. */
class Service extends Client {
  next: Answer = answer(503, {});
  letThrough: Promise<void> = Promise.resolve();

  override async apply(): Promise<Answer> {
    const { next } = this;
    await this.letThrough;
    return next;
  }
}

const answer = (status: number, body: Record<string, unknown>): Answer => ({ status, headers: new Headers(), body });
const shown = ({ claimId, sequence, claimedAt }: TestClaim) => ({
  claimId,
  sequence,
  claimedAt: new Date(claimedAt).toISOString(),
});
const accepted = (claim: TestClaim): Answer => answer(202, shown(claim));
/** The caller is not identified, so the claim's id is not there. */
const again = (claim: TestClaim): Answer =>
  answer(409, { code: 'already-claimed', claim: { ...shown(claim), claimId: undefined } });
const soldOut = (final?: boolean): Answer =>
  answer(409, { code: 'sold-out', ...(final === undefined ? {} : { final }) });
const IN_DOUBT = answer(503, { code: 'claim-unconfirmed', claimId: 'c' });

describe('the oracle', () => {
  let directory: string;
  let drop: Drop;
  let service: Service;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-oracle-'));
    drop = new Drop('campaign', 3, join(directory, '202.jsonl'), { epoch: EPOCH });
    service = new Service('http://127.0.0.1');
  });
  afterEach(() => {
    drop.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const press = (userId: string, next: Answer) => {
    service.next = next;
    return drop.press(service, userId);
  };
  /** Each of these users asks, and gets the 202, before the next one asks. */
  const promise = async (...claims: TestClaim[]) => {
    for (const claim of claims) await press(claim.userId, accepted(claim));
  };
  /** The two ask at the same time, and the first one's answer comes last. */
  const promiseTogether = async (first: TestClaim, second: TestClaim) => {
    let go = (): void => undefined;
    service.letThrough = new Promise((resolve) => (go = resolve));
    const slow = press(first.userId, accepted(first));
    service.letThrough = Promise.resolve();
    await press(second.userId, accepted(second));
    go();
    await slow;
  };
  const weighed = (coupons: readonly TestClaim[], evidence: Partial<Evidence> = {}, pardon: Pardon = {}) =>
    weigh(drop, { coupons, discarded: [], unfinished: 0, pending: 0, drift: 0, epoch: EPOCH, ...evidence }, pardon);
  /** Everything but the words. */
  const kept = (broken: Partial<Verdict> = {}) => ({
    ...KEPT,
    ...broken,
    examples: Object.keys(broken).length === 0 ? [] : expect.any(Array),
  });

  it('finds nothing in a drop that went well', async () => {
    await promise(claimOf(1), claimOf(2), claimOf(3));
    await press('u2', again(claimOf(2)));
    await press('late', soldOut(true));
    expect(weighed([claimOf(1), claimOf(2), claimOf(3)])).toEqual(KEPT);
  });

  it('judges by the file of 202s, also one that another process has left', async () => {
    await promise(claimOf(1));
    drop.close();
    drop = new Drop('campaign', 3, join(directory, '202.jsonl'), { epoch: EPOCH });
    expect(weighed([])).toMatchObject({ lost: 1, drift: 0 });
    expect(weighed([claimOf(1)])).toMatchObject({ lost: 0 });
  });

  it('counts what the rows break, whatever drift the service reports', async () => {
    await promise(claimOf(1), claimOf(2));
    await press('u4', IN_DOUBT);
    const coupons = [claimOf(2, { claimId: 'another' }), claimOf(3), claimOf(4), claimOf(4), claimOf(5)];
    expect(weighed(coupons, { pending: 1, unfinished: 2 })).toMatchObject({
      lost: 2,
      over: 2,
      dup: 1,
      ghost: 2,
      stuck: 3,
    });
    expect(weighed([claimOf(1)])).toMatchObject({ lost: 1, under: 2, drift: 0 });
    expect(weighed([claimOf(1), claimOf(2), claimOf(4)], { drift: -1 })).toMatchObject({ lost: 0, drift: 1 });
  });

  it('names the contradictions that it counts', async () => {
    await promise(claimOf(2), claimOf(1), claimOf(3));
    expect(weighed([claimOf(1), claimOf(2), claimOf(3)]).examples).toEqual([
      expect.stringMatching(/^outOfOrder: u1 \(1\) asked \d+\.\d ms after u2 \(2\) had the 202$/),
    ]);
  });

  describe('the order of calls that do not overlap', () => {
    it('is that of their sequences', async () => {
      await promise(claimOf(2), claimOf(1), claimOf(3));
      expect(weighed([claimOf(1), claimOf(2), claimOf(3)])).toEqual(kept({ outOfOrder: 1 }));
    });

    it('is free for calls that overlap', async () => {
      await promiseTogether(claimOf(2), claimOf(1));
      await promise(claimOf(3));
      expect(weighed([claimOf(1), claimOf(2), claimOf(3)])).toEqual(KEPT);
    });

    it('counts for a coupon without a 202 from the first call of its user on', async () => {
      await press('u2', IN_DOUBT);
      await promise(claimOf(3));
      await press('u1', IN_DOUBT);
      expect(weighed([claimOf(1), claimOf(2), claimOf(3)])).toEqual(kept({ outOfOrder: 1 }));
    });
  });

  it('a sequence is given out once', async () => {
    await promise(claimOf(1), claimOf(2), claimOf(2, { userId: 'u3', claimId: 'c3' }));
    const verdict = weighed([claimOf(1), claimOf(2), claimOf(2, { userId: 'u3', claimId: 'c3' })]);
    // Once among the 202s, once among the coupons.
    expect(verdict).toMatchObject({ sameSequence: 2, lost: 0 });
  });

  describe('the winners', () => {
    const winners = [claimOf(1), claimOf(2), claimOf(4)];

    it('are the first sequences', async () => {
      await promise(...winners);
      await press('u3', IN_DOUBT);
      expect(weighed(winners)).toEqual(kept({ skipped: 1 }));
    });

    it('follow a claim that an operator has discarded', async () => {
      await promise(...winners);
      expect(weighed(winners, { discarded: [claimOf(3)] })).toEqual(KEPT);
    });

    it('may follow a claim that a rebuild has forgotten, if its call was in doubt', async () => {
      await promise(...winners);
      expect(weighed(winners, { epoch: EPOCH + 1 })).toEqual(kept({ skipped: 1 }));
      await press('u3', IN_DOUBT);
      expect(weighed(winners, { epoch: EPOCH + 1 })).toEqual(KEPT);
    });
  });

  describe('a coupon', () => {
    const rest = [claimOf(2), claimOf(3)];

    it.each([
      ['another sequence', claimOf(4, { userId: 'u1', claimId: 'c1', claimedAt: INSTANT + 9_000 })],
      ['another instant', claimOf(1, { claimedAt: INSTANT + 999 })],
    ])('has not %s than its 202', async (_what, coupon) => {
      await promise(claimOf(1), ...rest);
      expect(weighed([coupon, ...rest])).toMatchObject({ altered: 1, lost: 0 });
    });

    it('has not another instant than `already-claimed` has shown', async () => {
      await press('u1', again(claimOf(1, { claimedAt: INSTANT })));
      await promise(...rest);
      expect(weighed([claimOf(1), ...rest])).toEqual(kept({ altered: 1 }));
    });

    it('was not claimed before one with a lower sequence', async () => {
      const early = claimOf(3, { claimedAt: INSTANT + 1_999 });
      await promise(claimOf(1), claimOf(2), early);
      expect(weighed([claimOf(1), claimOf(2), early])).toEqual(kept({ backInTime: 1 }));
      const together = claimOf(3, { claimedAt: INSTANT + 2_000 });
      expect(weighed([claimOf(1), claimOf(2), together]).backInTime).toBe(0);
    });
  });

  describe('`already-claimed`', () => {
    const coupons = [claimOf(1), claimOf(2), claimOf(3)];
    const other = claimOf(4, { userId: 'u1' });

    it('names the claim of the coupon', async () => {
      await press('u1', again(other));
      await promise(claimOf(2), claimOf(3));
      expect(weighed(coupons)).toEqual(kept({ renamed: 1 }));
    });

    it('may name a claim that a rebuild forgets, as long as it is not promised', async () => {
      await press('u1', again(other));
      await promise(...coupons);
      expect(weighed(coupons, { epoch: EPOCH + 1 })).toEqual(KEPT);
    });

    it('names the promised claim from the 202 on, whatever is rebuilt', async () => {
      await promise(...coupons);
      await press('u1', again(other));
      expect(weighed(coupons, { epoch: EPOCH + 1 })).toEqual(kept({ renamed: 1 }));
    });

    it('may name the claim that an operator has discarded', async () => {
      await press('u4', again(claimOf(4)));
      await promise(...coupons);
      expect(weighed(coupons, { discarded: [claimOf(4)] })).toEqual(KEPT);
    });
  });

  describe('the status right after a 202', () => {
    const coupons = [claimOf(1), claimOf(2), claimOf(3)];
    beforeEach(() => promise(...coupons));

    it.each([
      [404, null, 1],
      [200, 'another', 1],
      [200, 'c1', 0],
      [503, null, 0],
    ])('%d with the claim %s counts %d', (status, claim, notFound) => {
      drop.statusLooks.push({ userId: 'u1', claimId: 'c1', status, shown: claim });
      expect(weighed(coupons)).toEqual(kept(notFound === 0 ? {} : { notFound }));
    });

    it('may be 404 once an operator has discarded the claim', () => {
      drop.statusLooks.push({ userId: 'u4', claimId: 'c4', status: 404, shown: null });
      expect(weighed(coupons, { discarded: [claimOf(4)] })).toEqual(KEPT);
    });
  });

  describe('the stock', () => {
    const coupons = [claimOf(1), claimOf(2), claimOf(3)];
    const look = { url: 'http://127.0.0.1:1', epoch: EPOCH, version: 1, remaining: 2, asked: 10, heard: 20 };
    const higher = { ...look, remaining: 3, asked: 30, heard: 40 };
    beforeEach(() => promise(...coupons));

    it('does not rise by itself', () => {
      drop.stockLooks.push(look, higher);
      expect(weighed(coupons)).toEqual(kept({ cameBack: 1 }));
    });

    it.each([
      ['falls', { ...higher, remaining: 2 }],
      ['was asked for before the other answer', { ...higher, asked: 15 }],
      ['was raised by an operator', { ...higher, version: 2 }],
      ['is that of a rebuilt gate', { ...higher, epoch: EPOCH + 1 }],
      ['is shown by another api, a second late', { ...higher, url: 'http://127.0.0.1:2' }],
    ])('breaks nothing when it %s', (_when, second) => {
      drop.stockLooks.push(look, second);
      expect(weighed(coupons)).toEqual(KEPT);
    });

    it('may rise when an operator has discarded a claim', () => {
      drop.stockLooks.push(look, higher);
      expect(weighed(coupons, { discarded: [claimOf(4)] })).toEqual(KEPT);
    });
  });

  describe('a final sold-out', () => {
    const coupons = [claimOf(1), claimOf(2), claimOf(3)];
    beforeEach(() => promise(claimOf(1), claimOf(2)));

    it('is followed by no 202, not even after a rebuild', async () => {
      await press('late', soldOut(true));
      await promise(claimOf(3));
      expect(weighed(coupons, { epoch: EPOCH + 1 })).toEqual(kept({ afterFinal: 1 }));
    });

    it.each([[false], [undefined]])('is none with the member final: %s', async (final) => {
      await press('late', soldOut(final));
      await promise(claimOf(3));
      expect(weighed(coupons)).toEqual(KEPT);
    });

    it('may be followed by the 202 of a call that was made before', async () => {
      let go = (): void => undefined;
      service.letThrough = new Promise((resolve) => (go = resolve));
      const slow = press('u3', accepted(claimOf(3)));
      service.letThrough = Promise.resolve();
      await press('late', soldOut(true));
      go();
      await slow;
      expect(weighed(coupons)).toEqual(KEPT);
    });

    it.each<[string, Partial<Evidence>, Pardon]>([
      ['a raise', {}, { totalChanged: true }],
      ['a release', { discarded: [claimOf(4)] }, {}],
    ])('may be followed by a 202 after %s', async (_what, evidence, pardon) => {
      await press('late', soldOut(true));
      await promise(claimOf(3));
      expect(weighed(coupons, evidence, pardon)).toEqual(KEPT);
    });
  });
});
