import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { decided, request, type RawResponse, text } from '../support/raw-http.js';
import { type ProblemBody, refused } from '../support/refusal.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const TOKEN = { Authorization: `Bearer ${ADMIN_TOKEN}` };

let service: Service;
let client: Client;
let port: number;
let campaign: string;

beforeAll(async () => {
  // Its subject is what leads nowhere. With the pages, / leads to one.
  service = await startService({ PAGES: 'off' });
  client = new Client(service.url);
  port = Number(new URL(service.url).port);
  campaign = await client.createCampaign(5);
  expect((await client.claim('victim', campaign)).status).toBe(202);
});
afterAll(() => service.stop());

/** Sends the target exactly as it is written here. */
const send = (method: string, target: string, headers: Record<string, string> = {}, body?: string) =>
  request([text(`${method} ${target}`, headers, body)], { port });

function notNormal(response: RawResponse): ProblemBody {
  const problem = refused(response, 400, 'bad-request');
  expect(problem.errors).toEqual([{ in: 'path', pointer: '', detail: expect.stringMatching(/[가-힣]/) }]);
  return problem;
}

describe('a path', () => {
  it.each([
    '/claims/%76ictim',
    '/claims/victi%6D',
    '/claims/victi%6d',
    '/claims/x/../victim',
    '/claims/./victim',
    '/claims/%2e/victim',
    '/claims/x/%2E%2e/victim',
    '/claims/x/.%2e/victim',
    '/claims%2Fvictim',
    '/claims%5cvictim',
    '/claims\\victim',
    '/claims/victim#x',
    '/claims/victim?x#y',
  ])('that a gateway may read as another, such as %s, is refused', async (rest) => {
    notNormal(await send('GET', `/api/campaigns/${campaign}${rest}`));
    notNormal(await send('GET', `/api/campaigns/${campaign}${rest}`, TOKEN));
  });

  it.each([
    '/docs/../metrics',
    '/docs/%2e%2e/metrics',
    '/docs/..%2fmetrics',
    '/docs/..%5cmetrics',
    '/docs/..;/metrics/.',
    '/docs/.',
    '/docs/..',
    '/../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/docs/%c0%ae%c0%ae/metrics',
    '/docs/%252e%252e/%2e',
    '/metrics#',
    '/%6detrics',
    '/health/live%',
    '/health/live%2',
    '/health/%zz',
    '/<script>alert(1)</script>',
    '/health/{live}',
    '/health/live|x',
    '/"',
    '/`id`',
    '/^',
    'metrics',
    '*',
  ])('%s is refused, whatever the method', async (target) => {
    for (const method of ['GET', 'POST', 'DELETE', 'PROPFIND']) {
      // The parser itself refuses a target that does not begin with a slash.
      const response = await send(method, target, JSON_TYPE);
      refused(response, 400, 'bad-request');
    }
  });

  it('of a target with a user and a password is told without them', async () => {
    for (const target of [
      'http://user:secret@127.0.0.1/health/live',
      'http://user:secret@/',
      'ftp://user:secret@x/y',
    ]) {
      const response = await send('GET', target);
      refused(response, 400, 'bad-request');
      expect(JSON.stringify(response)).not.toContain('secret');
    }
  });

  it.each([
    '/metrics;x=1',
    '/;/metrics',
    '/docs/..;/metrics',
    '//metrics',
    '/docs//',
    '/docs/.env',
    '/docs/x/y',
    '/METRICS',
    '/metrics%20',
    '/metrics%00',
    '/%2520',
  ])('%s is nowhere', async (target) => {
    refused(await send('GET', target), 404, 'not-found');
  });

  it('whose escapes are needed is read with them', async () => {
    for (const escaped of ['a%26b', 'a%20b', '%EA%B0%80', 'a%3Bb', 'a%25b']) {
      const { errors } = refused(await send('GET', `/api/users/${escaped}/coupons`), 400, 'validation-failed');
      expect(errors).toMatchObject([{ in: 'path', pointer: '/userId' }]);
    }
  });

  it('is repeated as a valid URI, without its query', async () => {
    for (const [target, instance] of [
      ['/<script>"</script>?token=secret', '/%3Cscript%3E%22%3C/script%3E'],
      ['/a\\b#token=secret', '/a%5Cb'],
      ['/%22%3Cb%3E', '/%22%3Cb%3E'],
    ]) {
      const response = await send('GET', target ?? '');
      expect(JSON.parse(response.body)).toMatchObject({ instance });
      expect(response.body).not.toMatch(/secret|<script/);
      expect(response.headers.location).toBeUndefined();
    }
  });
});

describe('a query', () => {
  it.each(['limit=%', 'limit=%1', 'limit=%ZZ', 'limit=%C0%B1', 'limit=%ED%A0%80', 'limit=%FF', 'limit=1#x', '#'])(
    'that cannot be read, such as %s, is refused',
    async (query) => {
      notNormal(await send('GET', `/api/campaigns?${query}`));
      notNormal(await send('GET', `/health/live?${query}`));
    },
  );

  it.each(['limit=%31', '%6Cimit=1', '', '&'])('such as %j is read', async (query) => {
    expect((await send('GET', `/api/campaigns?${query}`)).status).toBe(200);
  });

  it.each(['limit=1&%6Cimit=1', 'limit=1&limit=2', 'limit=1?limit=2', 'limit[]=1', 'limit=1;limit=2'])(
    'that means two things, such as %s, is refused',
    async (query) => {
      refused(await send('GET', `/api/campaigns?${query}`), 400, 'validation-failed');
    },
  );
});

describe('a slash at the end', () => {
  it.each([
    '/api/campaigns',
    '/api/campaigns/default',
    '/api/users/victim/coupons',
    '/health/live',
    '/health/ready',
    '/metrics',
    '/docs-json',
    '/docs',
  ])('of %s changes nothing', async (path) => {
    const [plain, slash, query] = await Promise.all([
      send('GET', path),
      send('GET', `${path}/`),
      send('GET', `${path}/${path === '/api/campaigns' ? '?limit=1000' : ''}`),
    ]);
    expect([slash.status, query.status]).toEqual([plain.status, plain.status]);
    expect(plain.status).toBe(200);
    expect(slash.headers['content-type']).toBe(plain.headers['content-type']);
    for (const method of ['DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const refusal = await send(method, `${path}/`);
      refused(refusal, 405, 'method-not-allowed');
      expect(refusal.headers.allow).toBe('GET, HEAD');
    }
  });

  it('of a claim changes nothing', async () => {
    const body = JSON.stringify({ userId: 'slash', campaignId: campaign });
    const headers = { ...JSON_TYPE, 'Idempotency-Key': 'slash' };
    const response = await decided(() => send('POST', '/api/coupons/apply/', headers, body));
    expect([response.status, response.headers.location]).toEqual([202, `/api/campaigns/${campaign}/claims/slash`]);
    const again = await decided(() => send('POST', '/api/coupons/apply', JSON_TYPE, body));
    refused(again, 409, 'already-claimed');
    const status = await send('GET', `/api/campaigns/${campaign}/claims/slash/`);
    expect(JSON.parse(status.body)).toMatchObject({ status: expect.stringMatching(/^(?:PENDING|ISSUED)$/) });
    const refusal = await send('GET', '/api/coupons/apply/');
    refused(refusal, 405, 'method-not-allowed');
    expect(refusal.headers.allow).toBe('POST');
  });

  it('of an admin call changes nothing', async () => {
    const made = await send('POST', '/api/admin/campaigns/', { ...TOKEN, ...JSON_TYPE }, '{"name":"n","total":1}');
    expect([made.status, made.headers.location]).toEqual([201, `/api/campaigns/${JSON.parse(made.body).id}`]);
    const path = `${made.headers.location?.replace('/api/', '/api/admin/')}/pause/`;
    expect((await send('POST', path, TOKEN)).status).toBe(200);
    refused(await send('POST', path), 401, 'unauthorized');
  });

  it('is one slash: two of them, or one of a path that is not there, lead nowhere', async () => {
    for (const path of [
      '/api/campaigns//',
      '/api/campaigns//claims',
      '/api/campaigns//claims/',
      '/health/live//',
      '/api/',
      '/nowhere/',
      '//',
    ]) {
      refused(await send('GET', path), 404, 'not-found');
    }
  });
});

describe('a method', () => {
  it.each(['TRACE', 'OPTIONS', 'PROPFIND', 'LOCK', 'SEARCH', 'PURGE', 'REPORT', 'M-SEARCH', 'LINK', 'DELETE', 'PUT'])(
    '%s is answered by path',
    async (method) => {
      const known = await send(method, '/health/live');
      refused(known, 405, 'method-not-allowed');
      expect(known.headers.allow).toBe('GET, HEAD');
      refused(await send(method, '/nowhere'), 404, 'not-found');
    },
  );

  it.each(['get', 'Get', 'CLAIM', 'GETT', 'G', 'BREW'])('%s is none', async (method) => {
    const response = await send(method, '/health/live');
    refused(response, 400, 'bad-request');
    expect(response.headers.connection).toBe('close');
  });

  it.each(['CONNECT example.com:443', 'CONNECT /health/live', 'OPTIONS *'])(
    'of %s is none that the server has for itself',
    async (line) => {
      const response = await request([text(line)], { port });
      refused(response, 405, 'method-not-allowed');
      expect(response.headers.allow).toBe('GET, HEAD, POST, DELETE, PATCH');
    },
  );
});
