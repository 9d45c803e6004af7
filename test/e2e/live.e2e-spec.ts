import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { LiveFeeds } from '../../src/modules/live/live-feeds.js';
import { liveSampleJsonSchema, publicLiveSampleJsonSchema } from '../../src/modules/live/live-json.js';
import { TOPOLOGY } from '../support/backend.js';
import { Client } from '../support/client.js';
import { EventSource } from '../support/event-source.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';

const ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };

describe('a campaign that is watched', () => {
  let service: Service;
  let client: Client;
  let campaign: string;
  const open: EventSource[] = [];

  beforeAll(async () => {
    service = await startService();
    client = new Client(...service.urls);
    campaign = await client.createCampaign(3);
  });
  afterEach(() => {
    for (const source of open.splice(0)) source.close();
  });
  afterAll(() => service.stop());

  const watch = async (path: string, headers: Record<string, string> = {}, url = service.url) => {
    const source = await EventSource.open(`${url}${path}`, headers);
    open.push(source);
    return source;
  };
  const watchAll = (headers: Record<string, string> = {}, url = service.url) =>
    watch(`/api/admin/live?campaignId=${campaign}`, { ...ADMIN, ...headers }, url);

  it('shows everybody its state and what is left, as it changes', async () => {
    const source = await watch(`/api/campaigns/${campaign}/live`);
    expect(source.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    });
    const first = await source.find('the first sample', () => true);
    expect(publicLiveSampleJsonSchema.strict().parse(first.data)).toEqual(first.data);
    expect(first).toEqual({
      id: String(first.data.at),
      data: {
        at: expect.any(Number),
        state: 'OPEN',
        remaining: 3,
        soldOutAt: null,
        total: 3,
        startsAt: expect.any(String),
        endsAt: null,
        version: expect.any(Number),
      },
    });
    expect(source.retryMs).toBeGreaterThanOrEqual(1_000);
    await client.claim('u1', campaign);
    await source.find('one less', ({ data }) => data.remaining === 2);
    await client.admin('POST', `/api/admin/campaigns/${campaign}/pause`);
    await source.find('a pause', ({ data }) => data.state === 'PAUSED');
    await client.admin('POST', `/api/admin/campaigns/${campaign}/resume`);
    await source.find('it is open again', ({ data }) => data.state === 'OPEN');
  });

  it('shows everybody a start that an operator has moved, although state and stock are the same', async () => {
    const startsAt = [3_600_000, 7_200_000].map((later) => new Date(Date.now() + later).toISOString());
    const scheduled = await client.createCampaign(3, { startsAt: startsAt[0] });
    const source = await watch(`/api/campaigns/${scheduled}/live`);
    const before = await source.find('the first start', ({ data }) => data.startsAt === startsAt[0]);
    const { status } = await client.admin('PATCH', `/api/admin/campaigns/${scheduled}`, {
      body: { startsAt: startsAt[1] },
      ifMatch: '*',
    });
    expect(status).toBe(200);
    const after = await source.find('the start that was moved', ({ data }) => data.startsAt === startsAt[1]);
    expect(after.data.version).toBeGreaterThan(before.data.version);
  });

  it('shows operators what all processes do, and says the same as the audit once it is quiet', async () => {
    const sources = await Promise.all(service.urls.map((url) => watchAll({}, url)));
    await client.claim('u1', campaign);
    await client.claim('u2', campaign);
    await client.claim('u3', campaign);
    await client.claim('u4', campaign);
    const processes = TOPOLOGY === 'apart' ? 4 : 1;
    for (const source of sources) {
      await source.find('all processes', ({ data }) => data.processes.length === processes);
      await source.find('a refusal', ({ data }) => data.rates?.refusals['sold-out'] > 0);
      await source.find('a coupon', ({ data }) => data.rates?.issued > 0 && data.acceptToRowMs.count > 0);
      await source.find('a claim', ({ data }) => data.rates?.claims > 0 && data.claimMs.p99 > 0);
      const last = await source.find(
        'quiet',
        ({ data }) => data.issued === 3 && data.pending === 0 && data.drift === 0,
      );
      expect(liveSampleJsonSchema.strict().parse(last.data)).toEqual(last.data);
      const { body: audit } = await client.admin('GET', `/api/admin/campaigns/${campaign}/audit`);
      const { body: shown } = await client.get(`/api/campaigns/${campaign}`);
      expect(last.data).toMatchObject({
        total: audit.total,
        claimed: audit.gate,
        pending: audit.pending,
        oldestPendingMs: audit.oldestPendingMs,
        issued: audit.issued,
        drift: audit.drift,
        remaining: 0,
        state: 'OPEN',
        soldOutAt: shown.soldOutAt,
        unavailable: [],
      });
    }
  });

  it('goes on for an operator behind the last event that was seen, at any process', async () => {
    const before = await watchAll();
    const [first, second] = await eventually(() => {
      const whole = before.events.filter(({ data }) => data.replayed === false);
      if (whole.length < 3) throw new Error('not three samples yet');
      return whole;
    });
    before.close();
    const again = await watchAll({ 'last-event-id': String(second?.id) });
    await again.find('a new sample', () => true);
    expect(again.events.every(({ id }) => Number(id) > Number(second?.id))).toBe(true);
    for (const nonsense of ['nonsense', '', '-1', '99999999999999', '1e3', 'ü']) {
      const anew = await watchAll({ 'last-event-id': Buffer.from(nonsense).toString('latin1') });
      await anew.find('what was there from the first on', ({ id }) => id === first?.id);
      const replayed = anew.events.filter(({ data }) => data.replayed === true);
      expect(replayed.every(({ data }) => data.processes.length === 0)).toBe(true);
      await anew.find('a whole one', ({ data }) => data.replayed === false);
    }
  });

  it('is one sample for all who watch it', async () => {
    const sources = await Promise.all(Array.from({ length: 20 }, () => watchAll()));
    await service.app.get(LiveFeeds).sample();
    for (const source of sources) await source.find('a sample', ({ data }) => data.replayed === false);
    const ids = sources.map(({ events }) => new Set(events.map(({ id }) => id)));
    const [fewest = new Set()] = [...ids].sort((a, b) => a.size - b.size);
    for (const some of ids) expect([...fewest].every((id) => some.has(id as string))).toBe(true);
  });

  it('is refused where there is none, and to those who may not see it', async () => {
    const { status, body } = await client.get('/api/campaigns/01ARZ3NDEKTSV4RRFFQ69G5FAV/live');
    expect([status, body.code]).toEqual([404, 'campaign-not-found']);
    const missing = await client.admin('GET', '/api/admin/live?campaignId=01ARZ3NDEKTSV4RRFFQ69G5FAV');
    expect([missing.status, missing.body.code]).toEqual([404, 'campaign-not-found']);
    expect((await client.admin('GET', '/api/admin/live')).body.code).toBe('validation-failed');
    expect((await client.get(`/api/admin/live?campaignId=${campaign}`)).status).toBe(401);
  });

  it('answers HEAD with the headers alone', async () => {
    const { status, headers } = await client.send('HEAD', `/api/campaigns/${campaign}/live`);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  });
});
