import { describe, expect, it } from '@jest/globals';
import { CAMPAIGN_OPENING_MS, mayBeOpening } from './campaign.js';

const NOW = 1_800_000_000_000;

describe('a campaign may be on its way to the gate', () => {
  it.each([
    ['that is stored this very millisecond', 0, true],
    ['until its time is over', CAMPAIGN_OPENING_MS - 1, true],
    ['and not any longer', CAMPAIGN_OPENING_MS, false],
    ['but not one from the future, as after a step back of the database’s clock', -1, false],
  ])('%s', (_when, age, opening) => {
    expect(mayBeOpening({ createdAt: NOW - age }, NOW)).toBe(opening);
  });
});
