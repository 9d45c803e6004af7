import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

const HOUR = 3_600_000;
const at = (offset: number) => new Date(Date.now() + offset).toISOString();

describe('a draft of a campaign', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    service = await startService();
    client = new Client(...service.urls);
  });
  afterAll(() => service.stop());

  const admin = (method: string, path = '', options: { body?: unknown; ifMatch?: string } = {}) =>
    client.admin(method, `/api/admin/campaigns${path}`, options);
  const draft = async (over: object = {}): Promise<Answer> => {
    const made = await admin('POST', '', { body: { name: '비밀 쿠폰', total: 3, state: 'DRAFT', ...over } });
    expect(made.status).toBe(201);
    return made;
  };
  const listed = async () => (await admin('GET', '?limit=1000')).body.items as Answer['body'][];
  const codeOf = ({ status, body }: Answer) => [status, body.code];
  const NOT_THERE = [404, 'campaign-not-found'];

  it('is shown to operators, and to nobody else', async () => {
    const made = await draft({
      startsAt: at(HOUR),
      endsAt: at(2 * HOUR),
      requireEntry: true,
      challenge: 'proof-of-work',
    });
    const { id } = made.body;
    expect(made.headers.get('location')).toBe(`/api/admin/campaigns/${id}`);
    expect(made.headers.get('etag')).toBe('"1"');
    expect(made.body).toMatchObject({
      name: '비밀 쿠폰',
      total: 3,
      remaining: 3,
      state: 'DRAFT',
      soldOutAt: null,
      version: 1,
    });
    const found = await admin('GET', `/${id}`);
    expect([found.status, found.headers.get('etag')]).toEqual([200, '"1"']);
    expect(found.body).toMatchObject({ ...made.body, issued: 0, openedAt: null, lastClaimedAt: null });
    expect((await listed()).find((campaign) => campaign.id === id)).toEqual(found.body);

    const calls: [string, string, unknown?][] = [
      ['GET', `/api/campaigns/${id}`],
      ['GET', `/api/campaigns/${id}/claims/alice`],
      ['POST', '/api/coupons/apply', { userId: 'alice', campaignId: id }],
      ['GET', `/api/campaigns/${id}/challenge?userId=alice`],
      ['POST', `/api/campaigns/${id}/entry`, { userId: 'alice' }],
      ['GET', `/api/admin/campaigns/${id}/audit`],
      ['GET', `/api/admin/campaigns/${id}/coupons`],
    ];
    const invented = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    for (const [method, path, body] of calls) {
      const send = (target: string, content: unknown) =>
        target.startsWith('/api/admin')
          ? client.admin(method, target)
          : client.send(method, target, content === undefined ? {} : { body: content });
      const answer = await send(path, body);
      const other = body === undefined ? body : JSON.parse(JSON.stringify(body).replace(id, invented));
      const missing = await send(path.replace(id, invented), other);
      expect([path, ...codeOf(answer)]).toEqual([path, ...NOT_THERE]);
      // Word for word what a campaign that never was is answered.
      const own = { instance: expect.anything(), requestId: expect.anything() };
      expect({ ...answer.body, ...own }).toEqual({ ...missing.body, ...own });
    }
    const { items } = (await client.get('/api/campaigns?limit=1000')).body;
    expect(items.map((campaign: Answer['body']) => campaign.id)).not.toContain(id);
    for (const url of service.urls) expect(await (await fetch(`${url}/metrics`)).text()).not.toContain(id);
  });

  it('cannot be paused, resumed or closed, and can be changed with If-Match', async () => {
    const { id } = (await draft()).body;
    for (const action of ['pause', 'resume', 'close']) {
      expect(codeOf(await admin('POST', `/${id}/${action}`))).toEqual([409, 'campaign-draft']);
    }
    const change = { total: 7, endsAt: at(HOUR) };
    expect(codeOf(await admin('PATCH', `/${id}`, { body: change }))).toEqual([428, 'precondition-required']);
    expect(codeOf(await admin('PATCH', `/${id}`, { body: change, ifMatch: '"2"' }))).toEqual([
      412,
      'precondition-failed',
    ]);
    const changed = await admin('PATCH', `/${id}`, { body: change, ifMatch: '"1"' });
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"2"']);
    expect(changed.body).toMatchObject({ ...change, remaining: 7, state: 'DRAFT', version: 2 });
    const inverted = await admin('PATCH', `/${id}`, { body: { startsAt: at(2 * HOUR) }, ifMatch: '*' });
    expect([inverted.status, inverted.body.errors[0].pointer]).toEqual([400, '/endsAt']);
  });

  it('is published by whoever has seen it as it is, and takes claims from then on', async () => {
    const { id } = (await draft()).body;
    expect(codeOf(await admin('POST', `/${id}/publish`))).toEqual([428, 'precondition-required']);
    expect(codeOf(await admin('POST', `/${id}/publish`, { ifMatch: '"2"' }))).toEqual([412, 'precondition-failed']);
    expect(codeOf(await client.claim('alice', id))).toEqual(NOT_THERE);
    const published = await admin('POST', `/${id}/publish`, { ifMatch: '"1"' });
    expect([published.status, published.headers.get('etag')]).toEqual([200, '"2"']);
    expect(published.body).toMatchObject({ id, total: 3, remaining: 3, state: 'OPEN', version: 2 });
    expect((await client.claim('alice', id)).status).toBe(202);
    // Every process shows it within a second.
    await eventually(async () =>
      expect((await client.get(`/api/campaigns/${id}`)).body).toEqual({ ...published.body, remaining: 2 }),
    );
    const again = await admin('POST', `/${id}/publish`, { ifMatch: '"1"' });
    expect([again.status, again.body.version]).toEqual([200, 2]);
    await eventually(async () =>
      expect((await admin('GET', `/${id}`)).body).toMatchObject({ state: 'OPEN', issued: 1 }),
    );
    expect((await listed()).filter((campaign) => campaign.id === id)).toHaveLength(1);
    expect(codeOf(await admin('DELETE', `/${id}`, { ifMatch: '*' }))).toEqual([409, 'campaign-published']);
    const { items } = (await client.admin('GET', `/api/admin/audit-log?campaignId=${id}`)).body;
    expect(items.map((entry: Answer['body']) => [entry.action, entry.actor.id])).toEqual([
      ['campaign.publish', 'bootstrap'],
      ['draft.create', 'bootstrap'],
    ]);
  });

  it('whose end has passed is not published', async () => {
    const { id } = (await draft()).body;
    await admin('PATCH', `/${id}`, { body: { startsAt: at(-2 * HOUR), endsAt: at(-HOUR) }, ifMatch: '*' });
    expect(codeOf(await admin('POST', `/${id}/publish`, { ifMatch: '*' }))).toEqual([409, 'campaign-ended']);
  });

  it('is deleted, and gone then', async () => {
    const { id } = (await draft()).body;
    expect(codeOf(await admin('DELETE', `/${id}`))).toEqual([428, 'precondition-required']);
    expect(codeOf(await admin('DELETE', `/${id}`, { ifMatch: '"7"' }))).toEqual([412, 'precondition-failed']);
    const deleted = await admin('DELETE', `/${id}`, { ifMatch: '"1"' });
    expect([deleted.status, deleted.body]).toMatchObject([200, { id, state: 'DRAFT' }]);
    for (const [method, path] of [
      ['DELETE', `/${id}`],
      ['GET', `/${id}`],
      ['POST', `/${id}/publish`],
      ['POST', `/${id}/pause`],
      ['PATCH', `/${id}`],
    ] as const) {
      const body = method === 'PATCH' ? { body: { total: 1 } } : {};
      expect([method, ...codeOf(await admin(method, path, { ...body, ifMatch: '*' }))]).toEqual([method, ...NOT_THERE]);
    }
    const { items } = (await client.admin('GET', `/api/admin/audit-log?campaignId=${id}`)).body;
    expect(items.map((entry: Answer['body']) => entry.action)).toEqual(['draft.delete', 'draft.create']);
  });

  it('is made once for an Idempotency-Key', async () => {
    const make = (body: object) =>
      client.admin('POST', '/api/admin/campaigns', { body, headers: { 'idempotency-key': 'a-draft' } });
    const input = { name: '비밀 쿠폰', total: 3, state: 'DRAFT' };
    const first = await make(input);
    const again = await make(input);
    expect([again.status, again.headers.get('idempotent-replayed'), again.body]).toEqual([201, 'true', first.body]);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(codeOf(await make({ name: '비밀 쿠폰', total: 3 }))).toEqual([422, 'idempotency-key-reused']);
  });

  it('stands in the list of operators among the campaigns, newest first, page by page', async () => {
    for (const state of ['DRAFT', undefined, 'DRAFT', undefined]) {
      await admin('POST', '', { body: { name: 'n', total: 1, ...(state === undefined ? {} : { state }) } });
    }
    const all = await listed();
    const ids: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body }: Answer = await admin('GET', `?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      ids.push(...body.items.map((campaign: Answer['body']) => campaign.id));
      cursor = body.nextCursor;
    }
    expect(ids).toEqual(all.map(({ id }) => id));
    const made = all.map(({ createdAt }) => createdAt);
    expect(made).toEqual([...made].sort().reverse());
    expect(all.slice(0, 4).map(({ state }) => state)).toEqual(['OPEN', 'DRAFT', 'OPEN', 'DRAFT']);
  });
});
