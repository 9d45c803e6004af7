import { describe, expect, it } from '@jest/globals';
import { type HeardCall, NO_ANSWER } from '../oracle/told.js';
import { promisesIn } from './load/call-records.js';
import { judge, PROMISES, type PromiseId, type RehearsalEvidence } from './promises.js';

const INSTANT = 1_764_000_000_000;

/** The claim with this sequence, of the user of the same number. */
const claimOf = (sequence: number) => ({
  claimId: `c${sequence}`,
  sequence,
  claimedAt: INSTANT + sequence,
});
const couponOf = (sequence: number) => ({ userId: `u${sequence}`, ...claimOf(sequence) });
/** Each call begins 10 ms after the one before it, and takes 5 ms. */
const call = (at: number, userId: string, word: string, more: Partial<HeardCall> = {}): HeardCall => ({
  userId,
  word,
  at: at * 10,
  ms: 5,
  ...more,
});
const won = (sequence: number, at = sequence) => call(at, `u${sequence}`, '202', { claim: claimOf(sequence) });
const look = (at: number, remaining: number) => ({
  url: 'u',
  epoch: 7,
  version: 1,
  remaining,
  asked: at * 10,
  heard: at * 10 + 5,
});

/** Three coupons for five users: three win, one asks again, two are refused. */
const CALLS: readonly HeardCall[] = [
  won(1),
  won(2),
  won(3),
  call(4, 'u2', '409 already-claimed', { claim: claimOf(2) }),
  call(5, 'u4', '409 sold-out', { final: false }),
  call(6, 'u5', '409 sold-out', { final: true }),
];
const evidence = (over: Partial<RehearsalEvidence> = {}): RehearsalEvidence => {
  const { calls = CALLS } = over;
  return {
    calls,
    promised: promisesIn(calls),
    coupons: [couponOf(1), couponOf(2), couponOf(3)],
    discarded: [],
    unfinished: 0,
    pending: 0,
    drift: 0,
    statusLooks: [{ userId: 'u1', claimId: 'c1', status: 200, shown: 'c1' }],
    stockLooks: [look(1, 2), look(3, 0)],
    total: 3,
    before: new Set(),
    shared: false,
    userPrefix: 'u',
    epochs: [7, 7],
    termsChanged: false,
    brokenOff: false,
    ...over,
  };
};
const brokenIn = (over: Partial<RehearsalEvidence>) =>
  judge(evidence(over))
    .promises.filter(({ state }) => state === 'broken')
    .map(({ id }) => id);

describe('a rehearsal', () => {
  it('finds every promise kept, and says at how many things it looked', () => {
    const { promises, kept, examples } = judge(evidence());
    expect(kept).toBe(true);
    expect(examples).toEqual([]);
    expect(promises.map(({ id }) => id)).toEqual(PROMISES);
    for (const { state, checked, broken } of promises) {
      expect({ state, broken }).toEqual({ state: 'kept', broken: 0 });
      expect(checked).toBeGreaterThan(0);
    }
  });

  const BREACHES: Readonly<Record<PromiseId, Partial<RehearsalEvidence>>> = {
    'becomes-coupon': { coupons: [couponOf(1), couponOf(2), { ...couponOf(3), claimId: 'another' }] },
    'never-over': {
      coupons: [couponOf(1), couponOf(2), couponOf(3), couponOf(4)],
      calls: [...CALLS.slice(0, 4), won(4, 4.5)],
    },
    'nobody-twice': { coupons: [couponOf(1), couponOf(1), couponOf(2), couponOf(3)], total: 4 },
    'who-asked': { coupons: [couponOf(1), couponOf(2), couponOf(3), { ...couponOf(4), userId: 'stranger' }], total: 4 },
    'nothing-stuck': { pending: 1 },
    'no-slot-lost': { total: 4 },
    'order-kept': { calls: [won(1, 3), won(2), won(3, 1), ...CALLS.slice(3)] },
    'told-is-stored': { coupons: [couponOf(1), couponOf(2), { ...couponOf(3), claimedAt: INSTANT + 99 }] },
    'refusals-true': { calls: [call(0, 'u4', '409 sold-out', { final: true }), ...CALLS.slice(0, 5)] },
    'seen-at-once': { statusLooks: [{ userId: 'u1', claimId: 'c1', status: 404, shown: null }] },
    'stock-falls': { stockLooks: [look(1, 0), look(3, 2)] },
    'answers-known': { calls: [...CALLS, call(7, 'u6', '500 internal-error')] },
    'audit-agrees': { drift: 2 },
  };

  it.each(PROMISES)('catches that this promise is broken: %s', (id) => {
    const { kept } = judge(evidence(BREACHES[id]));
    expect(kept).toBe(false);
    expect(brokenIn(BREACHES[id])).toContain(id);
  });

  describe('refusals are true', () => {
    it.each<[string, readonly HeardCall[]]>([
      ['sold out while a coupon is left', [won(1), call(1.7, 'u4', '409 sold-out'), won(2), won(3)]],
      ['a 202 after a final sold-out', [...CALLS, won(6, 7)]],
      [
        'already claimed, with the claim of another user',
        [...CALLS, call(7, 'u2', '409 already-claimed', { claim: claimOf(3) })],
      ],
      ['sold out to a user who has a coupon', [...CALLS, call(7, 'u1', '409 sold-out')]],
    ])('and not: %s', (_what, calls) => {
      expect(brokenIn({ calls })).toContain('refusals-true');
    });
  });

  it('names what it has found', () => {
    expect(judge(evidence({ coupons: [couponOf(1), couponOf(3)] })).examples).toEqual(
      expect.arrayContaining([expect.stringContaining('u2 was promised c2')]),
    );
  });

  it('takes a repeated 202 for one promise, made by any of the calls of its user', () => {
    // The first call won, and was answered last.
    const calls = [
      call(1, 'u1', '202', { claim: claimOf(1), ms: 90 }),
      call(2, 'u2', '202', { claim: claimOf(2) }),
      call(3, 'u1', '202', { claim: claimOf(1) }),
      won(3, 4),
    ];
    expect(promisesIn(calls)).toHaveLength(3);
    expect(brokenIn({ calls })).toEqual([]);
  });

  it('takes a repeated 202 with another claim for a second promise', () => {
    expect(
      brokenIn({ calls: [...CALLS, call(5, 'u1', '202', { claim: { ...claimOf(1), claimId: 'other' } })] }),
    ).toContain('becomes-coupon');
  });

  it('accepts that callers who hang up may win', () => {
    const calls = [won(1), call(2, 'u2', NO_ANSWER), won(3), ...CALLS.slice(4)];
    expect(brokenIn({ calls })).toEqual([]);
  });

  it('does not judge whether everything was sold when too few asked, or when it was broken off', () => {
    const stateOf = (over: Partial<RehearsalEvidence>) =>
      judge(evidence(over)).promises.find(({ id }) => id === 'no-slot-lost');
    expect(stateOf({ total: 9 })).toMatchObject({ state: 'not-judged', because: 'demand-too-low' });
    expect(stateOf({ total: 4, brokenOff: true })).toMatchObject({ state: 'not-judged', because: 'broken-off' });
  });

  describe('on a campaign that was open before', () => {
    const older = { userId: 'older', claimId: 'c0', sequence: 1, claimedAt: INSTANT };
    const calls = [won(2), won(3), call(4, 'u4', '409 sold-out', { final: true })];

    it('counts coupons from before, and those of other callers, as theirs', () => {
      const coupons = [older, couponOf(2), couponOf(3)];
      const shared = { calls, coupons, shared: true };
      expect(brokenIn({ ...shared, before: new Set(['older']) })).toEqual([]);
      expect(brokenIn(shared)).toEqual([]);
    });

    it('still knows its own users', () => {
      const coupons = [older, couponOf(2), couponOf(3), couponOf(9)];
      expect(brokenIn({ calls, coupons, shared: true, total: 4 })).toContain('who-asked');
    });
  });
});
