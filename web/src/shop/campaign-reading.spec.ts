import { describe, expect, it } from '@jest/globals';
import { type Schemas } from '../api/client.ts';
import { withRead, withSample } from './campaign-reading.ts';

const known: Schemas['Campaign'] = {
  id: 'summer',
  name: 'Summer',
  total: 1,
  startsAt: '2026-12-01T03:00:00.000Z',
  endsAt: null,
  state: 'OPEN',
  remaining: 0,
  soldOutAt: null,
  version: 2,
} as never;
const sample: Schemas['PublicLiveSample'] = {
  at: 1,
  state: 'SCHEDULED',
  remaining: 49,
  soldOutAt: null,
  total: 50,
  startsAt: '2026-12-01T04:00:00.000Z',
  endsAt: null,
  version: 3,
};

describe('what the page knows of a campaign', () => {
  it('takes the terms with the stock, so that it never shows 49 of 1 and never opens at a start that was moved', () => {
    expect(withSample(known, sample)).toEqual({
      ...known,
      state: 'SCHEDULED',
      remaining: 49,
      total: 50,
      startsAt: '2026-12-01T04:00:00.000Z',
      version: 3,
    });
  });

  it('keeps its terms where a sample is older, or comes from an api that sends none', () => {
    expect(withSample(known, { ...sample, version: 1 })).toEqual({ ...known, state: 'SCHEDULED', remaining: 49 });
    const { at, state, remaining, soldOutAt } = sample;
    expect(withSample(known, { at, state, remaining, soldOutAt } as never)).toEqual({ ...known, state, remaining });
  });

  it('is not set back by a read that is older than what it knows', () => {
    expect(withRead({ ...known, version: 3 }, known).version).toBe(3);
    expect(withRead(known, { ...known, remaining: 7 }).remaining).toBe(7);
    expect(withRead(undefined, known)).toBe(known);
  });
});
