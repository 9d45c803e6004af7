import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { claimRequest, RawCaller } from '../support/raw-caller.js';
import { type Service, startService } from '../support/service.js';
import { until } from '../support/until.js';

const FLOOD = 3_000;
const HONEST = 200;

describe('one user who floods', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    service = await startService({ RATE_LIMIT_USER: '10/10s' });
    // One api: each counts by itself.
    client = new Client(service.url);
  });
  afterAll(() => service.stop());

  it('is refused before the gate, and takes nothing from honest users beside him', async () => {
    const campaign = await client.createCampaign(1_000_000);
    const begun = performance.now();
    const flood = await Promise.all([RawCaller.connect(service.url), RawCaller.connect(service.url)]);
    for (const caller of flood) {
      caller.send(...Array.from({ length: FLOOD / flood.length }, () => claimRequest('flood', campaign)));
    }
    const honest = await Promise.all(Array.from({ length: HONEST }, (_, at) => client.claim(`user-${at}`, campaign)));
    expect(new Set(honest.map(({ status }) => status))).toEqual(new Set([202]));

    await until('all answers', () => flood.every(({ statuses }) => statuses.length === FLOOD / flood.length));
    // Ten at once, and one for each second that the test took.
    const mayPass = 10 + Math.ceil((performance.now() - begun) / 1_000);
    const statuses = flood.flatMap((caller) => caller.statuses);
    const refused = statuses.filter((status) => status === 429).length;
    expect(statuses.length - refused).toBeGreaterThanOrEqual(10);
    expect(statuses.length - refused).toBeLessThanOrEqual(mayPass);
    expect(statuses.filter((status) => status === 202)).toHaveLength(1);
    await until('the metric', async () => {
      const { body } = await client.get('/metrics');
      return String(body).includes(`coupon_refused_early_total{reason="user"} ${refused}\n`);
    });
    expect((await client.audit(campaign)).gate).toBe(HONEST + 1);
    for (const caller of flood) caller.end();
  });
});
