import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, Client } from '../support/client.js';
import { type Service, startService } from '../support/service.js';
import { CHROMIUM } from '../web/support/browser.js';

const SHOP = 'https://shop.example';
const APPLY = '/api/coupons/apply';

const corsOf = ({ headers }: Answer): string[] =>
  [...headers.keys()].filter((name) => name.startsWith('access-control'));
const allowed = ({ headers }: Answer): string | null => headers.get('access-control-allow-origin');
const listOf = (value: string | null): string[] => (value ?? '').split(',').map((item) => item.trim().toLowerCase());
const preflight = (origin: string, method = 'POST', headers = 'authorization,content-type') => ({
  origin,
  'access-control-request-method': method,
  'access-control-request-headers': headers,
});

describe('pages of the origins in CORS_ORIGINS', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    service = await startService({
      CORS_ORIGINS: `${SHOP}, http://localhost:5173`,
      RATE_LIMIT_USER: '2/1h',
      RATE_LIMIT_TOTAL: '1',
    });
    client = new Client(service.url);
  });
  afterAll(() => service.stop());

  it.each([
    [SHOP, 'POST', APPLY],
    ['http://localhost:5173', 'POST', APPLY],
    [SHOP, 'GET', '/api/campaigns/default/claims/ada'],
    [SHOP, 'GET', '/api/users/ada/coupons'],
    [SHOP, 'GET', '/api/campaigns'],
  ])('%s may ask whether it may call %s %s, and may', async (origin, method, path) => {
    const answer = await client.send('OPTIONS', path, { headers: preflight(origin, method) });
    expect([answer.status, allowed(answer), answer.body]).toEqual([204, origin, '']);
    expect(listOf(answer.headers.get('access-control-allow-methods'))).toEqual(['get', 'head', 'post']);
    expect(listOf(answer.headers.get('access-control-allow-headers'))).toEqual(
      expect.arrayContaining([
        ...['authorization', 'content-type', 'idempotency-key'],
        ...['x-entry-token', 'x-claim-id', 'x-request-id'],
      ]),
    );
    expect(answer.headers.get('access-control-max-age')).toBe('7200');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(listOf(answer.headers.get('vary'))).toContain('origin');
    expect(answer.headers.get('x-request-id')).not.toBeNull();
  });

  it('may read answers, and the headers that they need', async () => {
    const campaign = await client.createCampaign(10);
    const accepted = await client.apply('reader', campaign, { origin: SHOP });
    expect([accepted.status, allowed(accepted)]).toEqual([202, SHOP]);
    expect(listOf(accepted.headers.get('access-control-expose-headers'))).toEqual(
      expect.arrayContaining([
        ...['location', 'retry-after', 'ratelimit', 'ratelimit-policy'],
        ...['idempotent-replayed', 'etag', 'x-request-id'],
      ]),
    );
    expect(listOf(accepted.headers.get('vary'))).toEqual(['accept-language', 'origin']);
    const read = await client.get(`/api/campaigns/${campaign}/claims/reader`, { origin: SHOP });
    expect([read.status, allowed(read)]).toEqual([200, SHOP]);
  });

  it('may read refusals', async () => {
    const headers = { origin: SHOP };
    const text = { ...headers, 'content-type': 'application/json' };
    const busy = async () => {
      for (let at = 0; ; at++) {
        const answer = await client.apply(`crowd-${at}`, undefined, headers);
        if (answer.status === 503) return answer;
      }
    };
    const flood = async () => {
      for (;;) {
        const answer = await client.apply('flood', undefined, headers);
        if (answer.status === 429) return answer;
      }
    };
    const refusals: [number, Answer][] = [
      [404, await client.get('/api/nothing', headers)],
      [404, await client.get('/api/campaigns/nothing', headers)],
      [405, await client.send('DELETE', APPLY, { headers })],
      [413, await client.send('POST', APPLY, { headers: text, body: { userId: 'x'.repeat(5_000) } })],
      [400, await client.send('POST', APPLY, { headers, body: {} })],
      [400, await client.get('/api/campaigns/%2e', headers)],
      [415, await client.send('POST', APPLY, { headers: { ...headers, 'content-encoding': 'gzip' }, body: {} })],
      [429, await flood()],
      [503, await busy()],
    ];
    for (const [status, answer] of refusals) {
      expect([answer.status, allowed(answer)]).toEqual([status, SHOP]);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(listOf(answer.headers.get('vary'))).toEqual(['accept-language', 'origin']);
    }
  });

  it.each([
    ['another origin', 'https://evil.example'],
    ['a subdomain', 'https://a.shop.example'],
    ['another scheme', 'http://shop.example'],
    ['another port', 'https://shop.example:8443'],
    ['a longer name', 'https://shop.example.evil.example'],
    ['a page without an origin', 'null'],
  ])('are not those of %s', async (_what, origin) => {
    const asked = await client.send('OPTIONS', APPLY, { headers: preflight(origin) });
    expect([asked.status, asked.body.code, asked.headers.get('allow')]).toEqual([405, 'method-not-allowed', 'POST']);
    expect(corsOf(asked)).toEqual([]);
    const called = await client.get('/api/campaigns', { origin });
    expect([called.status, corsOf(called)]).toEqual([200, []]);
    expect(listOf(called.headers.get('vary'))).toContain('origin');
  });

  it.each([
    '/api/admin/campaigns',
    '/api/admin/keys',
    '/api/admin/nothing',
    '/api/admin',
    '/metrics',
    '/health/live',
    '/docs',
    '/docs-json',
    '/nothing',
  ])('may not call %s', async (path) => {
    const asked = await client.send('OPTIONS', path, { headers: preflight(SHOP, 'GET') });
    expect([405, 404]).toContain(asked.status);
    expect(corsOf(asked)).toEqual([]);
    const called = await client.get(path, { origin: SHOP });
    expect(corsOf(called)).toEqual([]);
    const asAdmin = await client.admin('GET', path, { headers: { origin: SHOP } });
    expect(corsOf(asAdmin)).toEqual([]);
  });

  it('change nothing for OPTIONS that asks something else', async () => {
    const plain = await client.send('OPTIONS', APPLY);
    expect([plain.status, plain.body.code, plain.headers.get('allow')]).toEqual([405, 'method-not-allowed', 'POST']);
    const withoutMethod = await client.send('OPTIONS', APPLY, { headers: { origin: SHOP } });
    expect([withoutMethod.status, withoutMethod.body.code]).toEqual([405, 'method-not-allowed']);
    const nowhere = await client.send('OPTIONS', '/api/nothing');
    expect([nowhere.status, nowhere.body.code]).toEqual([404, 'not-found']);
    const withBody = await client.send('OPTIONS', APPLY, { headers: preflight(SHOP), body: { a: 1 } });
    expect(withBody.status).toBe(405);
    const twoSpellings = await client.send('OPTIONS', '/api/%63oupons/apply', { headers: preflight(SHOP) });
    expect([twoSpellings.status, twoSpellings.body.code]).toEqual([400, 'bad-request']);
  });
});

describe('browsers, when CORS_ORIGINS is not set', () => {
  let service: Service;
  let client: Client;

  beforeAll(async () => {
    service = await startService();
    client = new Client(service.url);
  });
  afterAll(() => service.stop());

  it('get no leave to call from a page of another origin', async () => {
    const asked = await client.send('OPTIONS', APPLY, { headers: preflight(SHOP) });
    expect([asked.status, asked.headers.get('allow'), corsOf(asked)]).toEqual([405, 'POST', []]);
    const called = await client.claim('ada', undefined, { origin: SHOP });
    expect([called.status, corsOf(called), called.headers.get('vary')]).toEqual([202, [], 'accept-language']);
  });

  it('keep nothing that names a user, and take each body for what its type says', async () => {
    const campaign = await client.createCampaign(10);
    const key = (await client.admin('POST', '/api/admin/keys', { body: { name: 'a', role: 'viewer' } })).body;
    const answers: [number, Answer][] = [
      [202, await client.claim('ada', campaign)],
      [409, await client.apply('ada', campaign)],
      [200, await client.get(`/api/campaigns/${campaign}/claims/ada`)],
      [404, await client.get(`/api/campaigns/${campaign}/claims/bob`)],
      [200, await client.get('/api/users/ada/coupons')],
      [200, await client.admin('GET', '/api/admin/keys')],
      [200, await client.admin('DELETE', `/api/admin/keys/${key.id}`)],
      [200, await client.admin('GET', '/api/admin/audit-log')],
      [200, await client.admin('GET', '/api/admin/failed-events')],
      [200, await client.admin('GET', `/api/admin/campaigns/${campaign}/audit`)],
      [401, await client.get('/api/admin/keys')],
    ];
    for (const [status, { status: given, headers }] of answers) {
      expect([given, headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual([
        status,
        'no-store',
        'nosniff',
      ]);
    }
  });

  it('run nothing in the page of the documentation but its own files', async () => {
    const page = await client.get('/docs');
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';" +
        "frame-ancestors 'none';base-uri 'none';form-action 'none'",
    );
    expect(Object.fromEntries(page.headers)).toMatchObject({
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(page.headers.get('strict-transport-security')).toBeNull();
    // No inline script, style or handler: the policy would stop it.
    expect(page.body).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:/i);
    expect((await client.get('/api/campaigns')).headers.get('content-security-policy')).toBeNull();
  });

  (CHROMIUM === undefined ? it.skip : it)('show the documentation, and its policy stops nothing of it', async () => {
    const profile = mkdtempSync(join(tmpdir(), 'coupon-chromium-'));
    try {
      const { stdout, stderr } = await promisify(execFile)(
        CHROMIUM ?? '',
        [
          ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${profile}`],
          // Virtual time: the page is dumped when it has nothing left to do.
          ...['--virtual-time-budget=30000', '--enable-logging=stderr', '--dump-dom', `${service.url}/docs`],
        ],
        { timeout: 120_000, maxBuffer: 64 * 1024 * 1024 },
      );
      expect(stdout).toContain('/api/coupons/apply');
      expect(stdout).toContain('opblock-summary');
      expect(stderr.split('\n').filter((line) => line.includes('CONSOLE'))).toEqual([]);
    } finally {
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
