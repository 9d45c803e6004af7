import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { type Answer, Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';
import { tableRows } from '../support/table-rows.js';

const KEYS = '/api/admin/keys';
const AUDIT = '/api/admin/audit-log';

describe('API keys', () => {
  let service: Service;
  let client: Client;
  beforeAll(async () => {
    service = await startService();
    client = new Client(service.url);
  });
  afterAll(() => service.stop());

  const make = async (role: string, over: object = {}): Promise<Answer['body']> => {
    const { status, body } = await client.admin('POST', KEYS, { body: { name: `a ${role}`, role, ...over } });
    expect(status).toBe(201);
    return body;
  };
  /** A call with this key. */
  const as = (key: string, method: string, path: string, body?: unknown, at = client): Promise<Answer> =>
    at.admin(method, path, { body, headers: { authorization: `Bearer ${key}` } });

  it('open what their role may do, and name the role that is needed elsewhere', async () => {
    const campaign = await client.createCampaign(10);
    const [viewer, operator, admin] = [await make('viewer'), await make('operator'), await make('admin')];
    const [issuer, redeemer] = [await make('issuer'), await make('redeemer')];
    const pause = `/api/admin/campaigns/${campaign}/pause`;
    const statuses = async (method: string, path: string) => {
      const found: number[] = [];
      for (const { key } of [viewer, operator, admin, issuer, redeemer]) {
        found.push((await as(key, method, path)).status);
      }
      return found;
    };
    expect(await statuses('GET', '/api/admin/failed-events')).toEqual([200, 200, 200, 403, 403]);
    expect(await statuses('GET', `/api/admin/campaigns/${campaign}/audit`)).toEqual([200, 200, 200, 403, 403]);
    expect(await statuses('POST', pause)).toEqual([403, 200, 200, 403, 403]);
    expect(await statuses('GET', AUDIT)).toEqual([403, 200, 200, 403, 403]);
    expect(await statuses('GET', KEYS)).toEqual([403, 403, 200, 403, 403]);
    expect((await as(viewer.key, 'POST', pause)).body).toMatchObject({
      code: 'role-not-allowed',
      neededRole: 'operator',
    });
  });

  it('show codes to operators and issuers, and not to others', async () => {
    const campaign = await client.createCampaign(1);
    const user = `user-${ulid()}`;
    await client.claim(user, campaign);
    const path = `/api/users/${user}/coupons`;
    await eventually(async () => expect((await client.get(path)).body.items).toHaveLength(1));
    const shows = async (key: string) => 'code' in (await as(key, 'GET', path)).body.items[0];
    expect(await shows((await make('viewer')).key)).toBe(false);
    expect(await shows((await make('redeemer')).key)).toBe(false);
    expect(await shows((await make('operator')).key)).toBe(true);
    expect(await shows((await make('issuer')).key)).toBe(true);
  });

  it('are shown once, and stored without their secret', async () => {
    const { key, ...made } = await make('viewer', { expiresAt: '2099-01-01T00:00:00Z' });
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/),
      name: 'a viewer',
      role: 'viewer',
      createdAt: expect.any(String),
      createdBy: 'bootstrap',
      expiresAt: '2099-01-01T00:00:00.000Z',
      lastUsedAt: null,
      revokedAt: null,
    });
    const { body } = await client.admin('GET', `${KEYS}?limit=1`);
    expect(body.items).toEqual([made]);
    const secret = (key as string).slice(-43);
    for (const table of ['api_keys', 'admin_audit']) {
      expect(JSON.stringify(await tableRows(service, `SELECT * FROM ${table}`, []))).not.toContain(secret);
    }
  });

  it.each(['bootstrap', ' Service', 'COMMAND', 'unknown', 'jwt:auth0|kim', 'npm run key'])(
    'do not bear the name of another actor: %j',
    async (name) => {
      const { status, body } = await client.admin('POST', KEYS, { body: { name, role: 'viewer' } });
      expect([status, body.errors?.[0]?.pointer]).toEqual([400, '/name']);
    },
  );

  it('note their use', async () => {
    const { id, key } = await make('viewer');
    await as(key, 'GET', '/api/admin/failed-events');
    await eventually(async () => {
      const { body } = await client.admin('GET', KEYS);
      const found = body.items.find((one: { id: string }) => one.id === id);
      expect(found.lastUsedAt).toEqual(expect.any(String));
    });
  });

  it('are refused by every process soon after they are revoked', async () => {
    const { id, key } = await make('operator');
    const everywhere = service.urls.map((url) => new Client(url));
    for (const at of everywhere) {
      expect((await as(key, 'GET', '/api/admin/failed-events', undefined, at)).status).toBe(200);
    }
    const revoked = await client.admin('DELETE', `${KEYS}/${id}`);
    expect(revoked.status).toBe(200);
    expect(revoked.body.revokedAt).toEqual(expect.any(String));
    expect((await as(key, 'GET', '/api/admin/failed-events')).status).toBe(401);
    await eventually(async () => {
      for (const at of everywhere) {
        expect((await as(key, 'GET', '/api/admin/failed-events', undefined, at)).status).toBe(401);
      }
    });
    expect((await client.admin('DELETE', `${KEYS}/${id}`)).body).toEqual(revoked.body);
  });

  it('make other keys under their own name', async () => {
    const first = await make('admin');
    const { body } = await as(first.key, 'POST', KEYS, { name: 'second', role: 'viewer' });
    expect(body.createdBy).toBe(first.id);
  });

  it.each([
    ['no role', { name: 'x' }, '/role'],
    ['a role that does not exist', { name: 'x', role: 'root' }, '/role'],
    ['no name', { role: 'viewer' }, '/name'],
    ['an empty name', { name: '', role: 'viewer' }, '/name'],
    ['a name of 101 characters', { name: 'x'.repeat(101), role: 'viewer' }, '/name'],
    ['a name with a line break', { name: 'a\nb', role: 'viewer' }, '/name'],
    ['an expiry in the past', { name: 'x', role: 'viewer', expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    ['an unknown member', { name: 'x', role: 'viewer', secret: 'mine' }, '/secret'],
  ])('are not made with %s', async (_what, body, pointer) => {
    const answer = await client.admin('POST', KEYS, { body });
    expect(answer.body).toMatchObject({ status: 400, code: 'validation-failed', errors: [{ pointer }] });
  });

  it('that do not exist cannot be revoked', async () => {
    expect((await client.admin('DELETE', `${KEYS}/${ulid()}`)).body).toMatchObject({
      status: 404,
      code: 'key-not-found',
    });
    expect((await client.admin('DELETE', `${KEYS}/nonsense`)).body).toMatchObject({ status: 400 });
  });
});

describe('the audit log', () => {
  let service: Service;
  let client: Client;
  beforeAll(async () => {
    service = await startService();
    client = new Client(service.url);
  });
  afterAll(() => service.stop());

  it('tells instants as the rest of the API does', async () => {
    const expiresAt = '2099-01-01T00:00:00.000Z';
    const { body: key } = await client.admin('POST', KEYS, { body: { name: 'a till', role: 'redeemer', expiresAt } });
    const campaign = await client.createCampaign(10);
    const headers = { 'if-match': '*' };
    await client.admin('PATCH', `/api/admin/campaigns/${campaign}`, { body: { endsAt: expiresAt }, headers });
    const { items } = (await client.admin('GET', `${AUDIT}?limit=100`)).body;
    const of = (action: string, subject: string) =>
      items.find((item: { action: string; subject: string }) => item.action === action && item.subject === subject);
    expect(of('key.create', key.id).detail).toMatchObject({ expiresAt });
    expect(of('campaign.change', campaign).detail.after).toMatchObject({ endsAt: expiresAt });
  });

  it('says who did what, from where, and what it changed', async () => {
    const { body: key } = await client.admin('POST', KEYS, { body: { name: '당직자', role: 'operator' } });
    const campaign = await client.createCampaign(10);
    await client.admin('POST', `/api/admin/campaigns/${campaign}/pause`, {
      headers: { authorization: `Bearer ${key.key}`, 'x-request-id': 'pause-1' },
    });
    const { body } = await client.admin('GET', `${AUDIT}?campaignId=${campaign}`);
    expect(body.items).toMatchObject([
      {
        action: 'campaign.pause',
        subject: campaign,
        campaignId: campaign,
        actor: { id: key.id, name: '당직자' },
        requestId: 'pause-1',
        address: expect.stringMatching(/127\.0\.0\.1|::1/),
        detail: { before: { state: 'OPEN' }, after: { state: 'PAUSED' } },
      },
      { action: 'campaign.create', actor: { id: 'bootstrap' } },
    ]);
    const by = (await client.admin('GET', `${AUDIT}?actor=${key.id}`)).body;
    expect(by.items).toHaveLength(1);
    const pages = (await client.admin('GET', `${AUDIT}?limit=1&campaignId=${campaign}`)).body;
    const next = (await client.admin('GET', `${AUDIT}?limit=1&campaignId=${campaign}&cursor=${pages.nextCursor}`)).body;
    expect(next.items).toEqual([body.items[1]]);
    expect((await client.admin('GET', `${AUDIT}?action=campaign.create&actor=service`)).body.items).toHaveLength(1);
  });

  it('says what was done within a time', async () => {
    const campaign = await client.createCampaign(10);
    const list = async (query: string) =>
      (await client.admin('GET', `${AUDIT}?campaignId=${campaign}${query}`)).body.items as { at: string }[];
    const [{ at } = { at: '' }] = await list('');
    const later = new Date(Date.parse(at) + 1).toISOString();
    expect(await list(`&from=${at}&to=${later}`)).toHaveLength(1);
    expect(await list(`&from=${later}`)).toEqual([]);
    expect(await list(`&to=${at}`)).toEqual([]);
  });

  it.each([
    'from=yesterday',
    'to=2026-12-01T12:00',
    'actor=somebody',
    'action=DROP%20TABLE',
    'campaignId=a_b',
    'actr=bootstrap',
    'cursor=x',
  ])('refuses %s', async (query) => {
    expect((await client.admin('GET', `${AUDIT}?${query}`)).status).toBe(400);
  });
});

describe('a caller that guesses', () => {
  let service: Service;
  let client: Client;
  beforeAll(async () => {
    service = await startService();
    client = new Client(service.url);
  });
  afterAll(() => service.stop());

  it('is refused after ten wrong tokens, and does not stop the operator at the same address', async () => {
    const call = (token: string) =>
      client.admin('GET', '/api/admin/failed-events', { headers: { authorization: `Bearer ${token}` } });
    expect((await call(ADMIN_TOKEN)).status).toBe(200);
    const statuses: number[] = [];
    for (let count = 0; count < 12; count++) statuses.push((await call(`wrong-token-number-${count}`)).status);
    expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
    const refused = await call('wrong-token-number-13');
    expect(refused.body.code).toBe('too-many-requests');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await call(ADMIN_TOKEN)).status).toBe(200);
    expect((await client.claim('honest')).status).toBe(202);
  });
});

describe('the address of a caller', () => {
  const FORGED = { 'x-forwarded-for': '203.0.113.7' };
  const addressOf = async (env: Record<string, string>, headers: Record<string, string>): Promise<string> => {
    const service = await startService(env);
    try {
      const client = new Client(service.url);
      const { body } = await client.admin('POST', '/api/admin/campaigns/default/pause', { headers });
      const { items } = (await client.admin('GET', `${AUDIT}?campaignId=${body.id}&limit=1`)).body;
      return items[0].address as string;
    } finally {
      await service.stop();
    }
  };

  it('is that of the connection, whatever a header says', async () => {
    expect(await addressOf({}, FORGED)).toBe('127.0.0.1');
    expect(await addressOf({ TRUST_PROXY: '10.0.0.0/8' }, FORGED)).toBe('127.0.0.1');
  });

  it('is what a trusted proxy has added', async () => {
    expect(await addressOf({ TRUST_PROXY: '1' }, { 'x-forwarded-for': '198.51.100.1, 203.0.113.7' })).toBe(
      '203.0.113.7',
    );
    expect(await addressOf({ TRUST_PROXY: '127.0.0.1,198.51.100.0/24' }, FORGED)).toBe('203.0.113.7');
    expect(await addressOf({ TRUST_PROXY: '127.0.0.1' }, { 'x-forwarded-for': '203.0.113.7:51234' })).toBe(
      '203.0.113.7',
    );
  });

  it('is that of the connection where the proxy passes on no address', async () => {
    expect(await addressOf({ TRUST_PROXY: '1' }, { 'x-forwarded-for': `"><script>${'x'.repeat(500)}` })).toBe(
      '127.0.0.1',
    );
  });
});
