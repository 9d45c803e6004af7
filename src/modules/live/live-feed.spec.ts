import { describe, expect, it } from '@jest/globals';
import { type CampaignReading } from './campaign-readings.js';
import { LiveFeed } from './live-feed.js';

const reading = (version: number, startsAt: number): CampaignReading =>
  ({
    at: version,
    campaign: { total: 5, startsAt, endsAt: null, version, soldOutAt: null },
    state: 'SCHEDULED',
    remaining: 5,
  }) as unknown as CampaignReading;

describe('what everybody is sent of a campaign', () => {
  it('is sent when an operator has changed its terms, although state and stock are the same', () => {
    const feed = new LiveFeed('summer', reading(1, 1_000));
    expect(String(feed.publicFrameDue(0))).toContain('"startsAt":"1970-01-01T00:00:01.000Z"');
    expect(feed.publicFrameDue(1)).toBeNull();
    feed.update(reading(2, 2_000));
    expect(String(feed.publicFrameDue(2))).toContain('"startsAt":"1970-01-01T00:00:02.000Z"');
    expect(feed.publicFrameDue(3)).toBeNull();
  });
});
