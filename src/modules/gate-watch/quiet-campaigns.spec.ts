import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Campaign, NO_ENTRY } from '../../domain/campaign.js';
import { termsOf } from '../../ports/gate/campaign-terms.js';
import { type CampaignGauge } from '../../ports/gate/issuance-gate.js';
import { QuietCampaigns } from './quiet-campaigns.js';

const NOW = 1_764_000_000_000;
const pass = { epoch: 10, fence: 'fence', installation: 'one' };
const next = { ...pass, epoch: 11, fence: 'next' };

function campaign(over: Partial<Campaign> = {}): Campaign {
  return {
    id: 'a',
    name: 'a',
    total: 10,
    issued: 3,
    startsAt: 0,
    endsAt: null,
    state: 'CLOSED',
    version: 2,
    openedAt: null,
    lastClaimedAt: null,
    soldOutAt: null,
    leftGateAt: null,
    ...NO_ENTRY,
    createdAt: 0,
    updatedAt: 0,
    ...over,
  };
}

function gauge(of: Campaign, over: Partial<CampaignGauge> = {}): CampaignGauge {
  const counts = { claimed: of.issued, sequence: of.issued, pending: 0, oldestPendingAt: null, lastAt: 0 };
  return { kind: 'gauge', campaignId: of.id, terms: termsOf(of), ...counts, ...over };
}

describe('campaigns at the gate', () => {
  let quiet: QuietCampaigns;
  beforeEach(() => {
    quiet = new QuietCampaigns();
  });

  const isQuietAfter = (noted: Campaign, over: Partial<CampaignGauge> = {}) => {
    expect(quiet.isQuiet(pass, noted)).toBe(false);
    quiet.note(pass, noted, gauge(noted, over), NOW);
    return quiet.isQuiet(pass, noted);
  };

  it.each([
    ['closed', { state: 'CLOSED' }, true],
    ['over for a minute', { state: 'OPEN', endsAt: NOW - 60_000 }, true],
    ['over for a moment', { state: 'OPEN', endsAt: NOW - 59_999 }, false],
    ['paused, and over', { state: 'PAUSED', endsAt: NOW - 60_000 }, true],
    ['open', { state: 'OPEN' }, false],
    ['paused', { state: 'PAUSED' }, false],
  ] as [string, Partial<Campaign>, boolean][])('that are %s are quiet: %j', (_name, over, expected) => {
    expect(isQuietAfter(campaign(over))).toBe(expected);
  });

  it('are not quiet while a claim is pending, and are when none is', () => {
    const closed = campaign();
    expect(isQuietAfter(closed, { pending: 1 })).toBe(false);
    quiet.note(pass, closed, gauge(closed), NOW);
    expect(quiet.isQuiet(pass, closed)).toBe(true);
    quiet.note(pass, closed, gauge(closed, { pending: 1 }), NOW);
    expect(quiet.isQuiet(pass, closed)).toBe(false);
  });

  it('are not quiet while the gate has other terms', () => {
    expect(isQuietAfter(campaign(), { terms: termsOf(campaign({ version: 1 })) })).toBe(false);
  });

  it('are asked about again when their row has changed, or under another epoch', () => {
    const closed = campaign();
    expect(isQuietAfter(closed)).toBe(true);
    expect(quiet.isQuiet(pass, campaign({ version: 3 }))).toBe(false);
    expect(quiet.isQuiet(pass, campaign({ issued: 2 }))).toBe(false);
    expect(quiet.isQuiet(next, closed)).toBe(false);
    quiet.note(next, campaign({ id: 'b' }), gauge(campaign({ id: 'b' })), NOW);
    expect(quiet.isQuiet(next, closed)).toBe(false);
    // A late comparison under the old epoch says nothing about the new one.
    quiet.note(pass, closed, gauge(closed), NOW);
    expect(quiet.isQuiet(next, closed)).toBe(false);
  });

  it('have a few turns in each round while they are quiet, and every round while they are not', () => {
    const all = Array.from({ length: 20 }, (_, index) => campaign({ id: `c-${10 + index}` }));
    const open = campaign({ id: 'c-99', state: 'OPEN' });
    for (const one of all) quiet.note(pass, one, gauge(one), NOW);
    const round = () => {
      quiet.beginRound();
      const due = [...all, open].filter((one) => quiet.isDue(pass, one)).map(({ id }) => id);
      quiet.endRound(new Set(all.map(({ id }) => id)));
      return due;
    };
    const ids = all.map(({ id }) => id);
    expect(round()).toEqual([...ids.slice(0, 8), 'c-99']);
    expect(round()).toEqual([...ids.slice(8, 16), 'c-99']);
    expect(round()).toEqual([...ids.slice(16), 'c-99']);
    expect(round()).toEqual([...ids.slice(0, 8), 'c-99']);
  });

  it('are forgotten when they have left', () => {
    const closed = campaign();
    expect(isQuietAfter(closed)).toBe(true);
    quiet.beginRound();
    quiet.endRound(new Set(['b']));
    expect(quiet.isQuiet(pass, closed)).toBe(false);
  });
});
