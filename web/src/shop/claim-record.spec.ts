import { describe, expect, it } from '@jest/globals';
import { ClaimRecords, isUnfinished } from './claim-record.ts';

const claim = { claimId: 'c', sequence: 1, claimedAt: '2026-12-01T00:00:00.000Z' };

function records(content = new Map<string, string>()) {
  let made = 0;
  const store = {
    getItem: (name: string) => content.get(name) ?? null,
    setItem: (name: string, value: string) => void content.set(name, value),
  };
  return { content, of: () => new ClaimRecords(store, 'summer/kim', () => `key-${++made}`) };
}

describe('what a browser keeps of a claim', () => {
  it('is one key for every click of one person', () => {
    const { of } = records();
    expect(of().press(1_000)).toEqual({ key: 'key-1', pressedAt: 1_000, claim: null, refusal: null });
    of().refuse('campaign-paused');
    expect(of().read()).toEqual({ key: 'key-1', pressedAt: null, claim: null, refusal: 'campaign-paused' });
    expect(of().press(2_000)).toEqual({ key: 'key-1', pressedAt: 2_000, claim: null, refusal: null });
    of().accept(claim);
    expect(of().read()).toEqual({ key: 'key-1', pressedAt: null, claim, refusal: null });
    of().giveUp();
    expect(of().read()?.claim).toEqual(claim);
  });

  it('tells a click without an outcome, while somebody may still wait for it', () => {
    const { of } = records();
    expect(isUnfinished(of().read(), 0)).toBe(false);
    of().press(1_000);
    expect([isUnfinished(of().read(), 2_000), isUnfinished(of().read(), 700_000)]).toEqual([true, false]);
    of().accept(claim);
    expect(isUnfinished(of().read(), 2_000)).toBe(false);
  });

  it('is nothing where it cannot be read', () => {
    for (const text of ['', '{', 'null', '[]', '{"key":1}']) {
      expect(
        records(new Map([['summer/kim', text]]))
          .of()
          .read(),
      ).toBeNull();
    }
  });

  it('does without a store that is full', () => {
    const store = {
      getItem: () => null,
      setItem: () => {
        throw new Error('full');
      },
    };
    expect(new ClaimRecords(store, 'x', () => 'k').press(1)).toMatchObject({ key: 'k', pressedAt: 1 });
  });
});
