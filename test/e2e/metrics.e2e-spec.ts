import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TOPOLOGY } from '../support/backend.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

describe('the metrics', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    service = await startService();
    client = new Client(...service.urls);
  });
  afterAll(() => service.stop());

  /** The metrics of all processes of the topology together. */
  const lines = async () => {
    const urls = await Promise.all(service.apps.map((app) => app.getUrl()));
    const texts = await Promise.all(urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
    return texts.flatMap((text) => text.split('\n'));
  };
  const named = async (name: string, label = '') =>
    (await lines()).filter((line) => line.startsWith(name) && line.includes(label));

  it('follow a campaign from its first claim to its end, and then drop it', async () => {
    const id = await client.createCampaign(5);
    const label = `campaign="${id}"`;
    for (const user of ['a', 'b']) expect((await client.claim(user, id)).status).toBe(202);
    await eventually(async () => {
      const processes = service.apps.length;
      for (const line of [`coupons{${label}} 5`, `claimed{${label}} 2`, `issued{${label}} 2`]) {
        expect(await named(`coupon_campaign_${line}`)).toHaveLength(processes);
      }
      expect(await named('coupon_campaign_info', `${label},name="campaign of 5"`)).toHaveLength(processes);
    });
    expect(await named('coupon_claims_total', label)).not.toEqual([]);

    expect((await client.admin('POST', `/api/admin/campaigns/${id}/close`)).status).toBe(200);
    await eventually(async () => expect((await lines()).filter((line) => line.includes(id))).toEqual([]));
    expect((await client.claim('c', id)).body.code).toBe('campaign-closed');
    await eventually(async () => {
      expect(await named('coupon_claims_total', 'campaign="other",outcome="closed"')).not.toEqual([]);
      expect((await lines()).filter((line) => line.includes(id))).toEqual([]);
    });
  });

  it('show how far the consumer is behind, for each partition', async () => {
    await client.claim('x');
    await eventually(async () => {
      const lags = await named('coupon_consumer_lag{partition=');
      expect(lags.length).toBeGreaterThan(0);
      expect(lags.map((line) => line.split(' ')[1])).toEqual(lags.map(() => '0'));
    });
  });

  it('show what runs, and in the embedded profile the room on the disk', async () => {
    const [build] = await named('coupon_build_info{');
    const profile = TOPOLOGY === 'embedded' ? 'embedded' : 'distributed';
    expect(build).toMatch(
      new RegExp(`version="\\d+\\.\\d+\\.\\d+",node="${process.versions.node}",profile="${profile}"`),
    );
    const free = await named('coupon_disk_free_bytes ');
    expect(free).toHaveLength(TOPOLOGY === 'embedded' ? 1 : 0);
    for (const line of free) expect(Number(line.split(' ')[1])).toBeGreaterThan(0);
  });

  it('measure the time of calls by their route', async () => {
    await client.get('/api/campaigns/default');
    await eventually(async () => {
      const counts = await named('coupon_http_request_duration_seconds_count', 'route="/api/campaigns/:campaignId"');
      expect(counts[0]).toMatch(/\{method="GET",route="[^"]+",status="200"\} [1-9]/);
    });
  });
});
