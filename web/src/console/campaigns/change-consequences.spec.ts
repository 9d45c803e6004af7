import { describe, expect, it } from '@jest/globals';
import { type Campaign } from './campaign.ts';
import { consequencesOf, isTooLow } from './change-consequences.ts';

const NOW = Date.parse('2026-12-01T12:00:00Z');
const PAST = '2026-12-01T11:00:00Z';
const LATER = '2026-12-01T13:00:00Z';
const campaign = (of: Partial<Campaign> = {}): Campaign =>
  ({
    state: 'OPEN',
    total: 20,
    remaining: 19,
    startsAt: PAST,
    endsAt: null,
    requireEntry: false,
    challenge: 'none',
    ...of,
  }) as Campaign;
const said = (of: Partial<Campaign>, change: Parameters<typeof consequencesOf>[1]) =>
  consequencesOf(campaign(of), change, NOW).map(({ words, parts }) => [words.en, parts ?? {}]);

describe('what customers notice of a change', () => {
  it('is by how much the stock changes', () => {
    expect(said({}, { total: 30 })).toEqual([
      [expect.stringContaining('what is left'), { taken: 1, before: 19, after: 29 }],
    ]);
    expect(said({ remaining: 10 }, { total: 5 })).toEqual([
      [expect.stringContaining('cannot go below'), { taken: 10 }],
    ]);
    expect(isTooLow(campaign({ remaining: 10 }), 5)).toBe(true);
    expect(isTooLow(campaign({ remaining: null }), 5)).toBe(false);
    expect(said({ remaining: null }, { total: 5 })).toEqual([]);
  });

  it('is an end at once, with what goes to nobody', () => {
    expect(said({}, { endsAt: PAST })).toEqual([[expect.stringContaining('ends at once'), { left: 19 }]]);
    expect(said({ remaining: null }, { endsAt: PAST })).toEqual([[expect.stringContaining('ends at once'), {}]]);
    expect(said({}, { endsAt: LATER })).toEqual([]);
  });

  it('is an opening at once, or a shutting', () => {
    const opens = [[expect.stringContaining('opens at once'), {}]];
    expect(said({ state: 'SCHEDULED', startsAt: LATER }, { startsAt: PAST })).toEqual(opens);
    expect(said({ state: 'ENDED', endsAt: PAST }, { endsAt: null })).toEqual(opens);
    expect(said({ state: 'PAUSED' }, { startsAt: PAST })).toEqual([]);
    expect(said({}, { startsAt: LATER })).toEqual([[expect.stringContaining('shuts now'), {}]]);
  });

  it('is a refusal without the new check', () => {
    const refused = [[expect.stringContaining('have not passed the new check'), {}]];
    expect(said({}, { requireEntry: true })).toEqual(refused);
    expect(said({ requireEntry: true }, { challenge: 'proof-of-work' })).toEqual(refused);
    expect(said({ requireEntry: true, challenge: 'turnstile' }, { challenge: 'none' })).toEqual([]);
    expect(said({}, { challenge: 'turnstile' })).toEqual([]);
    expect(said({ requireEntry: true }, { requireEntry: false })).toEqual([]);
  });

  it('is nothing of a draft, which nobody has seen', () => {
    expect(said({ state: 'DRAFT' }, { total: 5, endsAt: PAST, requireEntry: true })).toEqual([]);
  });
});
