import { describe, expect, it } from '@jest/globals';
import { type Answer, retryDelayMs, stepAfter } from './claim-steps.ts';

const claim = { claimId: 'a', sequence: 7, claimedAt: '2026-12-01T00:00:00.000Z' };

describe('what follows from an answer to a claim', () => {
  it('is success after a 202 alone', () => {
    expect(stepAfter({ status: 202, claim }, 1, 0)).toEqual({ kind: 'accepted', claim });
    for (const status of [200, 201, 204, 302]) expect(stepAfter({ status }, 1, 0).kind).toBe('refused');
    expect(stepAfter({ status: 202 }, 1, 0).kind).toBe('refused');
  });

  it.each<[Answer, string]>([
    [{ status: null }, 'network'],
    [{ status: 503, code: 'issuer-unavailable', retryAfter: 2 }, 'unavailable'],
    [{ status: 503, code: 'claim-unconfirmed', retryAfter: 2 }, 'unconfirmed'],
    [{ status: 503, code: 'busy', retryAfter: 1 }, 'busy'],
    [{ status: 503, code: 'too-many-connections' }, 'busy'],
    [{ status: 503, code: 'identity-unavailable', retryAfter: 5 }, 'unavailable'],
    [{ status: 502 }, 'unavailable'],
    [{ status: 408, code: 'request-timeout' }, 'busy'],
    [{ status: 429, code: 'too-many-requests', retryAfter: 60 }, 'rate'],
    [{ status: 409, code: 'sold-out', final: false, retryAfter: 5 }, 'reserved'],
    [{ status: 409, code: 'campaign-not-started' }, 'starting'],
    [{ status: 409, code: 'campaign-paused' }, 'paused'],
  ])('%p is asked again: %s', (answer, reason) => {
    expect(stepAfter(answer, 1, 0.5)).toMatchObject({ kind: 'again', reason });
  });

  it.each(['campaign-not-found', 'campaign-closed', 'campaign-ended', 'already-claimed', 'not-your-user'])(
    '%s is the end of this click',
    (code) => {
      expect(stepAfter({ status: 409, code }, 1, 0)).toEqual({ kind: 'refused', code });
    },
  );

  it('tells sold out for good from all reserved', () => {
    expect(stepAfter({ status: 409, code: 'sold-out', final: true }, 1, 0).kind).toBe('refused');
  });

  it('asks only so often for what does not start or keeps failing', () => {
    expect(stepAfter({ status: 409, code: 'campaign-not-started' }, 11, 0).kind).toBe('refused');
    expect(stepAfter({ status: 500, code: 'internal-error' }, 2, 0).kind).toBe('again');
    expect(stepAfter({ status: 500, code: 'internal-error' }, 3, 0).kind).toBe('refused');
  });

  it('gets a token of the entry first where one is required', () => {
    expect(stepAfter({ status: 403, code: 'entry-required' }, 1, 0)).toEqual({ kind: 'enter' });
  });
});

describe('the wait before the next try', () => {
  it('is never shorter than Retry-After, and spreads a crowd', () => {
    expect([retryDelayMs(1, 2, 0), retryDelayMs(1, 2, 1)]).toEqual([2_000, 3_000]);
    expect([retryDelayMs(9, 60, 0), retryDelayMs(9, 60, 1)]).toEqual([60_000, 75_000]);
  });

  it('without one it doubles up to ten seconds', () => {
    expect([1, 2, 3, 5, 6, 40].map((attempt) => retryDelayMs(attempt, undefined, 1))).toEqual([
      500, 1_000, 2_000, 8_000, 10_000, 10_000,
    ]);
    expect(retryDelayMs(6, undefined, 0)).toBe(5_000);
  });
});
