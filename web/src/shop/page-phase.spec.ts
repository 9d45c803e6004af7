import { describe, expect, it } from '@jest/globals';
import { type CampaignFacts, partsOf, pauseBeforeRead, phaseOf, untilNextLook, untilNextRead } from './page-phase.ts';

const START = Date.parse('2026-12-01T03:00:00.000Z');
const campaign = (over: Partial<CampaignFacts> = {}): CampaignFacts => ({
  state: 'OPEN',
  startsAt: new Date(START).toISOString(),
  endsAt: null,
  remaining: 5,
  soldOutAt: null,
  ...over,
});

describe('the phase of a campaign', () => {
  it('opens by the clock of the service, and never early', () => {
    const scheduled = campaign({ state: 'SCHEDULED' });
    expect([START - 1, START, START + 1].map((surely) => phaseOf(scheduled, surely))).toEqual([
      'scheduled',
      'open',
      'open',
    ]);
    // The state was read a moment too early for the clock, or the clock is less exact than the state.
    expect(phaseOf(campaign(), START - 1)).toBe('scheduled');
    expect([phaseOf(scheduled, null), phaseOf(campaign(), null)]).toEqual(['scheduled', 'open']);
  });

  it.each([
    [campaign({ remaining: 0 }), 'reserved'],
    [campaign({ remaining: 0, soldOutAt: new Date(START).toISOString() }), 'sold-out'],
    [campaign({ remaining: null }), 'open'],
    [campaign({ state: 'PAUSED' }), 'paused'],
    [campaign({ state: 'CLOSED' }), 'closed'],
    [campaign({ state: 'ENDED' }), 'ended'],
    [campaign({ endsAt: new Date(START + 1_000).toISOString() }), 'ended'],
    [null, 'missing'],
    [undefined, 'unknown'],
  ] as const)('%p is %s', (facts, phase) => {
    expect(phaseOf(facts, START + 5_000)).toBe(phase);
  });
});

describe('the countdown', () => {
  it('shows 1 in the last second and 0 at the start', () => {
    expect([90_061_000, 1_000, 1, 0, -5].map(partsOf)).toEqual([
      { days: 1, hours: 1, minutes: 1, seconds: 1 },
      { days: 0, hours: 0, minutes: 0, seconds: 1 },
      { days: 0, hours: 0, minutes: 0, seconds: 1 },
      { days: 0, hours: 0, minutes: 0, seconds: 0 },
      { days: 0, hours: 0, minutes: 0, seconds: 0 },
    ]);
  });

  it('looks again at the next second, and at the start', () => {
    expect([12_345, 12_000, 345, 0, -1].map(untilNextLook)).toEqual([345, 1_000, 345, 1_000, 1_000]);
  });

  it('asks for the campaign seldom, and not in the last seconds', () => {
    expect([3_600_000, 60_000, 12_000].map((left) => untilNextRead('scheduled', left))).toEqual([
      30_000, 10_000, 13_000,
    ]);
    // Once more in the last minute, also while samples come: the start may have been moved.
    expect([0, 1].map((random) => pauseBeforeRead('scheduled', 90_000, true, random))).toEqual([75_000, 30_000]);
    expect(pauseBeforeRead('scheduled', 12_000, true, 0)).toBe(130_000);
    expect(untilNextRead('open', null)).toBeLessThan(untilNextRead('sold-out', null));
  });
});
