import { beforeEach, describe, expect, it } from '@jest/globals';
import { CampaignLabels } from './campaign-labels.js';

describe('the campaigns that are labels', () => {
  let labels: CampaignLabels;
  let removed: string[];

  beforeEach(() => {
    removed = [];
    labels = new CampaignLabels(3);
    labels.onRemoved((campaignId) => removed.push(campaignId));
  });

  const labelled = (...ids: string[]) => ids.map((id) => labels.labelFor(id));

  it('are those that were asked for, while there is room', () => {
    expect(labelled('01B', '01C', 'default', '01B')).toEqual(['01B', '01C', 'default', '01B']);
    expect(removed).toEqual([]);
  });

  it('are the newest if there are too many, and always the default one', () => {
    expect(labelled('01C', '01D', 'default')).toEqual(['01C', '01D', 'default']);
    expect(labelled('01B', '01E', '01C')).toEqual(['other', '01E', 'other']);
    expect(labelled('01F', '01G', '01E', 'default')).toEqual(['01F', '01G', 'other', 'default']);
    expect(removed).toEqual(['01C', '01D', '01E']);
  });

  it('stop being labels when they are over, for good, and make room', () => {
    labelled('01B', '01C', '01D');
    labels.retire('01C');
    expect(removed).toEqual(['01C']);
    expect(labelled('01C', '01A', '01C', '01B')).toEqual(['other', '01A', 'other', '01B']);
    labels.retire('01C');
    labels.retire('never');
    expect(removed).toEqual(['01C']);
  });

  it('take bounded memory, however many campaigns there were', () => {
    for (let n = 0; n < 25_000; n++) {
      labels.labelFor(`c${n}`);
      labels.retire(`c${n}`);
    }
    expect(removed).toHaveLength(25_000);
    const { retired } = labels as unknown as { retired: Set<string> };
    expect(retired.size).toBeLessThanOrEqual(10_000);
  });
});
