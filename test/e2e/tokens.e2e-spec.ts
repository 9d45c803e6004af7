import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../stack/server-process.js';
import { openBackend } from '../support/backend.js';
import { type Answer, Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { IdentityProvider } from '../support/identity-provider.js';
import { type Service, startService } from '../support/service.js';
import { ServiceProcess } from '../support/service-process.js';

const AUDIT = '/api/admin/audit-log';

describe('operators of an identity provider', () => {
  let provider: IdentityProvider;
  let service: Service;
  let client: Client;
  beforeAll(async () => {
    provider = new IdentityProvider({
      'auth0|kim': ['offline_access', 'operator'],
      lee: ['viewer'],
      park: undefined,
      'a b': ['admin'],
    });
    await provider.start();
    service = await startService(provider.env);
    client = new Client(service.url);
  });
  afterAll(async () => {
    await service.stop();
    await provider.stop();
  });
  afterEach(() => provider.start());

  const as = (token: string, method: string, path: string, body?: unknown): Promise<Answer> =>
    client.admin(method, path, { body, headers: { authorization: `Bearer ${token}` } });

  it('may do what their role may, and the audit names their subject', async () => {
    const campaign = await client.createCampaign(3);
    const [operator, viewer, user] = [
      await provider.token('auth0|kim'),
      await provider.token('lee'),
      await provider.token('park'),
    ];
    const pause = `/api/admin/campaigns/${campaign}/pause`;
    expect((await as(viewer, 'POST', pause)).body).toMatchObject({ code: 'role-not-allowed', neededRole: 'operator' });
    expect((await as(user, 'POST', pause)).body).toMatchObject({ code: 'role-not-allowed', neededRole: 'operator' });
    expect((await as(operator, 'POST', pause)).status).toBe(200);
    expect((await as(operator, 'GET', '/api/admin/keys')).body).toMatchObject({ neededRole: 'admin' });
    const { status, body } = await as(operator, 'GET', `${AUDIT}?actor=${encodeURIComponent('jwt:auth0|kim')}`);
    expect(status).toBe(200);
    expect(body.items).toEqual([
      expect.objectContaining({ action: 'campaign.pause', actor: { id: 'jwt:auth0|kim', name: 'auth0|kim' } }),
    ]);
  });

  it('are refused with a token that was changed, and one whose subject cannot be a user', async () => {
    const token = await provider.token('lee');
    const refused = await as(`${token.slice(0, -8)}AAAAAAAA`, 'GET', AUDIT);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="admin", error="invalid_token"');
    expect((await as(await provider.token('a b'), 'GET', AUDIT)).body).toMatchObject({
      status: 403,
      code: 'user-not-usable',
    });
  });

  it('find in the document what a token can be answered', async () => {
    const { paths } = (await client.get('/docs-json')).body;
    for (const path of [AUDIT, '/api/users/{userId}/coupons']) {
      const responses = JSON.stringify(paths[path].get.responses);
      expect(responses).toContain('user-not-usable');
      expect(responses).toContain('identity-unavailable');
    }
  });

  it('keep working while the provider is gone, and readiness tells of it', async () => {
    const token = await provider.token('auth0|kim');
    await provider.stop();
    // A name that is not known has the keys fetched.
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: 'unknown' })).toString('base64url');
    const unknown = await as(`${header}.${token.slice(token.indexOf('.') + 1)}`, 'GET', AUDIT);
    expect([unknown.status, unknown.body.code]).toEqual([503, 'identity-unavailable']);
    expect(unknown.headers.get('retry-after')).toBe('5');
    expect((await client.get('/health/ready')).body).toMatchObject({
      status: 'degraded',
      dependencies: { identity: 'down', gate: 'up' },
      roles: { api: 'ready' },
    });
    expect((await as(token, 'GET', AUDIT)).status).toBe(200);
    await provider.start();
    await eventually(async () => {
      expect((await client.get('/health/ready')).body).toMatchObject({
        status: 'ok',
        dependencies: { identity: 'up' },
      });
    });
  });
});

it('a provider that is away stops no start: tokens are answered 503 until it has come', async () => {
  const provider = new IdentityProvider({ kim: ['viewer'] });
  await provider.start();
  const token = await provider.token('kim');
  await provider.stop();
  const service = await startService(provider.env, {}, 'degraded');
  try {
    const client = new Client(service.url);
    const ask = () =>
      client.admin('GET', '/api/admin/failed-events', { headers: { authorization: `Bearer ${token}` } });
    expect((await ask()).body).toMatchObject({ status: 503, code: 'identity-unavailable' });
    expect((await client.get('/health/ready')).body).toMatchObject({ status: 'degraded', roles: { api: 'ready' } });
    await provider.start();
    await eventually(async () => expect((await ask()).status).toBe(200));
  } finally {
    await service.stop();
    await provider.stop();
  }
});

it('no part of a token is in the log, at any level', async () => {
  const provider = new IdentityProvider({ kim: ['operator'], 'a b': undefined });
  await provider.start();
  const backend = await openBackend();
  const port = await freePort();
  const env = { ...provider.env, LOG_LEVEL: 'verbose', LOG_FORMAT: 'json', ACCESS_LOG: 'all' };
  const service = await ServiceProcess.start(backend, port, env);
  try {
    const client = new Client(`http://127.0.0.1:${port}`);
    const [token, unusable] = [await provider.token('kim'), await provider.token('a b')];
    const [head = '', body = '', signature = ''] = token.split('.');
    const unknownKey = Buffer.from('{"alg":"ES256","kid":"k-that-is-not-there"}').toString('base64url');
    const shown = [token, unusable, `${head}.${body}.AAAA`, `${unknownKey}.${body}.${signature}`, `${head}.${head}`];
    for (const one of shown) {
      const headers = { authorization: `Bearer ${one}` };
      await client.send('GET', AUDIT, { headers });
      await client.send('GET', '/api/users/kim/coupons', { headers });
      await client.send('POST', '/api/coupons/apply', { headers, body: { userId: 'kim' } });
    }
    await service.printed(/admin call was refused/);
    const parts = [...shown, unknownKey, 'k-that-is-not-there']
      .flatMap((one) => one.split('.'))
      .filter((one) => one.length > 8);
    expect(parts.filter((part) => service.text.includes(part))).toEqual([]);
  } finally {
    await service.end('SIGKILL');
    await backend.remove();
    await provider.stop();
  }
});
