import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type Answer, Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

interface Line {
  readonly event: string;
  readonly campaignId: string;
  readonly [field: string]: unknown;
}

/** The lines of all processes of the topology together. */
describe('what becomes of a campaign', () => {
  let service: Service;
  let client: Client;
  let lines: Line[];

  beforeAll(async () => {
    service = await startService();
    client = new Client(...service.urls);
    const write = (line: unknown) => void lines.push(line as Line);
    Logger.overrideLogger({ log: write, warn: write, error: write });
  });
  beforeEach(() => {
    lines = [];
  });
  afterAll(async () => {
    Logger.overrideLogger(false);
    await service.stop();
  });

  const of = (id: string, event?: string) =>
    lines.filter((line) => line.campaignId === id && (event === undefined || line.event === event));
  const read = async (id: string) => (await client.get(`/api/campaigns/${id}`)).body;
  const admin = (method: string, path: string, body?: unknown) =>
    client.admin(method, `/api/admin/campaigns${path}`, { body, ifMatch: '*', headers: { 'x-request-id': 'r-7' } });
  const claim = async (id: string, users: readonly string[]) => {
    const answers: Answer[] = [];
    for (const user of users) answers.push(await client.claim(user, id));
    return answers.map(({ body }) => body.claimedAt as string);
  };
  const line = (event: string, fields: object) =>
    expect.objectContaining({ event: `campaign.${event}`, requestId: 'r-7', actor: 'bootstrap', ...fields });

  it('is logged once with all fields, whichever process did it', async () => {
    const created = await admin('POST', '', { name: '봄 쿠폰', total: 5 });
    const { id, startsAt } = created.body;
    await eventually(() => expect(of(id, 'campaign.opened')).toHaveLength(1));
    await admin('PATCH', `/${id}`, { total: 7, endsAt: '2999-01-01T00:00:00Z' });
    await admin('POST', `/${id}/pause`);
    await admin('POST', `/${id}/pause`);
    await admin('POST', `/${id}/resume`);
    await admin('POST', `/${id}/close`);
    await admin('POST', `/${id}/close`);
    await admin('POST', `/${id}/resume`);
    const campaign = { campaignId: id, name: '봄 쿠폰' };
    expect(of(id)).toEqual([
      line('created', {
        ...campaign,
        after: expect.objectContaining({ name: '봄 쿠폰', total: 5, startsAt, endsAt: null, state: 'OPEN' }),
      }),
      expect.objectContaining({ event: 'campaign.opened', ...campaign, startsAt }),
      line('changed', {
        ...campaign,
        version: 2,
        before: { total: 5, endsAt: null },
        after: { total: 7, endsAt: '2999-01-01T00:00:00.000Z' },
      }),
      line('paused', { ...campaign, before: { state: 'OPEN' }, after: { state: 'PAUSED' } }),
      line('resumed', { ...campaign, before: { state: 'PAUSED' }, after: { state: 'OPEN' } }),
      line('closed', { ...campaign, before: { state: 'OPEN' }, after: { state: 'CLOSED' } }),
    ]);
  });

  it('opens when its window begins, not before', async () => {
    const startsAt = new Date(Date.now() + 5_000).toISOString();
    const { body } = await admin('POST', '', { name: 'later', total: 5, startsAt });
    await eventually(() => expect(of(body.id, 'campaign.opened')).toHaveLength(1));
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(startsAt));
  });

  it('is sold out from the claim that took the last coupon until a raise, and is logged once each time', async () => {
    const id = await client.createCampaign(3);
    await claim(id, ['a', 'b']);
    await eventually(async () => expect((await client.audit(id)).issued).toBe(2));
    expect((await read(id)).soldOutAt).toBeNull();
    const [last = ''] = await claim(id, ['c']);
    await eventually(async () => expect((await read(id)).soldOutAt).toBe(new Date(last).toISOString()));
    expect((await client.claim('d', id)).body.code).toBe('sold-out');
    const listed = (await client.get('/api/campaigns')).body.items.find(
      (campaign: Answer['body']) => campaign.id === id,
    );
    expect(listed.soldOutAt).toBe(last);

    const raised = await admin('PATCH', `/${id}`, { total: 4 });
    expect(raised.body.soldOutAt).toBeNull();
    await eventually(async () => expect((await read(id)).soldOutAt).toBeNull());
    const [again = ''] = await claim(id, ['d']);
    await eventually(async () => expect((await read(id)).soldOutAt).toBe(again));
    expect(of(id, 'campaign.sold-out')).toEqual([
      expect.objectContaining({ name: 'campaign of 3', total: 3, soldOutAt: last }),
      expect.objectContaining({ total: 4, soldOutAt: again }),
    ]);
  });

  it('is sold out when an operator lowers the total to the number of issued coupons', async () => {
    const id = await client.createCampaign(3);
    await claim(id, ['a']);
    await eventually(async () => expect((await client.audit(id)).issued).toBe(1));
    const lowered = await admin('PATCH', `/${id}`, { total: 1 });
    expect(lowered.body.soldOutAt).toEqual(expect.any(String));
    expect(of(id, 'campaign.sold-out')).toEqual([expect.objectContaining({ soldOutAt: lowered.body.soldOutAt })]);
  });
});
