import { describe, expect, it } from '@jest/globals';
import { CampaignLabels } from '../../platform/metrics/campaign-labels.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { DriftMetrics } from './drift.metrics.js';

describe('the drift of a campaign', () => {
  it('leaves the metrics when the campaign is over, also where it is measured once more', async () => {
    const registry = new MetricsRegistry();
    const labels = new CampaignLabels();
    const metrics = new DriftMetrics(registry, labels);
    metrics.set('default', 3);
    expect(await registry.metrics()).toContain('coupon_drift{campaign="default"} 3');
    labels.retire('default');
    metrics.set('default', 3);
    expect(await registry.metrics()).not.toContain('default');
  });
});
