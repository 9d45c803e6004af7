import { beforeEach, describe, expect, it } from '@jest/globals';
import { SetClock } from '../../../test/support/flow.js';
import { CampaignLabels } from '../../platform/metrics/campaign-labels.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { DriftMetrics } from './drift.metrics.js';

let registry: MetricsRegistry;
let labels: CampaignLabels;
let clock: SetClock;
let metrics: DriftMetrics;

beforeEach(() => {
  registry = new MetricsRegistry();
  labels = new CampaignLabels();
  clock = new SetClock();
  metrics = new DriftMetrics(registry, labels, clock);
});

describe('the drift of a campaign', () => {
  it('leaves the metrics when the campaign is over, also where it is measured once more', async () => {
    metrics.set('default', 3, clock.monotonic());
    expect(await registry.metrics()).toContain('coupon_drift{campaign="default"} 3');
    labels.retire('default');
    metrics.begin('default');
    metrics.set('default', 3, clock.monotonic());
    expect(await registry.metrics()).not.toContain('default');
  });

  it('says how old it is, which grows while it cannot be measured', async () => {
    metrics.set('default', 0, clock.monotonic() - 2_000);
    expect(await registry.metrics()).toContain('coupon_drift_age_seconds{campaign="default"} 2');
    clock.pass(600_000);
    metrics.begin('default');
    expect(await registry.metrics()).toContain('coupon_drift_age_seconds{campaign="default"} 602');
    metrics.set('default', 0, clock.monotonic());
    expect(await registry.metrics()).toContain('coupon_drift_age_seconds{campaign="default"} 0');
  });

  it('that was never measured has an age from the first try on, and no value', async () => {
    metrics.begin('default');
    clock.pass(5_000);
    metrics.begin('default');
    const text = await registry.metrics();
    expect(text).toContain('coupon_drift_age_seconds{campaign="default"} 5');
    expect(text).not.toContain('coupon_drift{');
  });
});
