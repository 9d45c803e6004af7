import { describe, expect, it } from '@jest/globals';
import { changeOf, copyOf, NEW_CAMPAIGN, newCampaignOf, valuesOf } from './campaign-form.ts';

const NOON = {
  name: 'Noon',
  total: 1_000,
  startsAt: '2026-12-01T03:00:00.000Z',
  endsAt: '2026-12-01T04:00:00.000Z',
  requireEntry: true,
  challenge: 'proof-of-work',
  challengeCost: 3_000,
} as const;

describe('the form of a campaign', () => {
  it('asks for what was typed', () => {
    const body = newCampaignOf({ ...valuesOf(NOON), total: '1,500' });
    expect(body).toMatchObject({ name: 'Noon', total: 1_500, challengeCost: 3_000, requireEntry: true });
    expect(new Date(body.startsAt ?? '').toISOString()).toBe(NOON.startsAt);
  });

  it('leaves it to the API to refuse what is no number', () => {
    expect(newCampaignOf({ ...NEW_CAMPAIGN, total: 'many' }).total).toBe('many');
    expect(newCampaignOf(NEW_CAMPAIGN)).toMatchObject({ total: '', startsAt: null, endsAt: null });
  });

  it('changes only what was changed', () => {
    const opened = valuesOf(NOON);
    expect(changeOf(opened, { ...opened, total: '2000' })).toEqual({ total: 2_000 });
    expect(changeOf(opened, { ...opened, endsAt: '' })).toEqual({ endsAt: null });
    expect(changeOf(opened, opened)).toEqual({});
  });

  it('copies the terms without the window, which is over', () => {
    expect(copyOf(NOON, '(copy)')).toMatchObject({ name: 'Noon (copy)', total: '1000', startsAt: '', endsAt: '' });
  });
});
