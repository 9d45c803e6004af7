import { expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { CampaignLabels } from '../../platform/metrics/campaign-labels.js';
import { StoredCampaignIds } from '../gate-watch/stored-campaign-ids.js';
import { IssuanceMetrics } from './issuance.metrics.js';

it('counts by campaign while it is a label, and by the others together when it is none', async () => {
  const registry = new Registry();
  const labels = new CampaignLabels(2);
  const metrics = new IssuanceMetrics(registry, new StoredCampaignIds(), labels);
  const counts = async () =>
    Object.fromEntries(
      [...(await registry.metrics()).matchAll(/^coupon_claims_total\{campaign="(.*)",outcome="(.*)"\} (\d+)$/gm)].map(
        ([, campaign, outcome, count]) => [`${campaign} ${outcome}`, Number(count)],
      ),
    );
  metrics.count('01B', 'accepted');
  metrics.count('01B', 'accepted');
  metrics.count('01B', 'sold_out');
  metrics.count('B', 'accepted');
  metrics.countUndecided('invented', 'issuer-unavailable');
  expect(await counts()).toEqual({ '01B accepted': 2, '01B sold_out': 1, 'B accepted': 1, 'unknown unavailable': 1 });

  labels.retire('B');
  metrics.count('B', 'closed');
  metrics.count('B', 'closed');
  const without = { '01B accepted': 2, '01B sold_out': 1, 'unknown unavailable': 1 };
  expect(await counts()).toEqual({ ...without, 'other closed': 2 });

  for (const campaign of ['01C', '01D']) metrics.count(campaign, 'accepted');
  metrics.count('01B', 'accepted');
  const newest = { '01C accepted': 1, '01D accepted': 1, 'unknown unavailable': 1 };
  expect(await counts()).toEqual({ ...newest, 'other closed': 2, 'other accepted': 1 });
});
