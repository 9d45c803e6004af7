import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createApp } from '../../src/app/app.setup.js';
import { startUp } from '../../src/app/start-up.js';
import { parseEnv } from '../../src/platform/config/env.js';
import { openBackend } from '../support/backend.js';
import { Client } from '../support/client.js';
import { request, text } from '../support/raw-http.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';
import { until } from '../support/until.js';

describe('a port for operators', () => {
  let service: Service;
  let callers: Client;
  let operators: Client;
  beforeAll(async () => {
    service = await startService({ ADMIN_PORT: '0' });
    callers = new Client(service.url);
    operators = new Client(service.adminUrl);
  });
  afterAll(() => service.stop());

  const PATHS = [
    ['GET', '/api/admin/failed-events'],
    ['GET', '/api/admin/keys'],
    ['POST', '/api/admin/campaigns/default/pause'],
    ['DELETE', '/api/admin/campaigns'],
    ['GET', '/api/admin'],
    ['GET', '/metrics'],
    ['GET', '/metrics/'],
    ['GET', '/docs'],
    ['GET', '/docs/'],
    ['GET', '/docs/swagger-ui.css'],
    ['GET', '/docs-json'],
    ['GET', '/console'],
  ] as const;

  it.each(PATHS)('hides %s %s from callers, as if it did not exist', async (method, path) => {
    const answer = await callers.admin(method, path);
    const absent = await callers.admin(method, '/nothing-here');
    expect([answer.status, answer.body.code]).toEqual([404, 'not-found']);
    expect(Object.keys(answer.body)).toEqual(Object.keys(absent.body));
    expect(answer.headers.get('allow')).toBeNull();
  });

  it('has what operators need, and health', async () => {
    for (const path of [
      '/api/admin/failed-events',
      '/metrics',
      '/docs',
      '/docs-json',
      '/health/live',
      '/health/ready',
    ]) {
      expect([path, (await operators.admin('GET', path)).status]).toEqual([path, 200]);
    }
    expect((await operators.get('/api/admin/failed-events')).status).toBe(401);
  });

  it('leaves claims and health to the public port', async () => {
    expect((await callers.claim('user-1')).status).toBe(202);
    expect((await callers.get('/health/ready')).status).toBe(200);
    expect((await callers.get('/api/campaigns')).status).toBe(200);
  });

  it('answers what cannot be parsed as the public port does', async () => {
    for (const url of [service.url, service.adminUrl]) {
      const port = Number(new URL(url).port);
      const answer = await request([Buffer.from('GET / HTTP/1.1\r\nbad header\r\n\r\n')], { port });
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([400, 'bad-request']);
    }
  });
});

describe('the address of an operator', () => {
  const guess = (client: Client, count: number): Promise<number> =>
    client
      .get('/api/admin/keys', { authorization: `Bearer guess-${count}`, 'x-forwarded-for': `198.51.100.${count}` })
      .then(({ status }) => status);

  it('is the connection’s, also where a number of proxies stands before the public port', async () => {
    const service = await startService({ ADMIN_PORT: '0', TRUST_PROXY: '1' });
    try {
      const operators = new Client(service.adminUrl);
      const headers = { 'x-forwarded-for': '203.0.113.7', 'x-forwarded-host': 'elsewhere.example' };
      await operators.admin('POST', '/api/admin/campaigns/default/pause', { headers });
      const { items } = (await operators.admin('GET', '/api/admin/audit-log?limit=1')).body;
      expect(items[0].address).toBe('127.0.0.1');
      const statuses: number[] = [];
      for (let count = 0; count < 11; count++) statuses.push(await guess(operators, count));
      expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
    } finally {
      await service.stop();
    }
  });

  it('is what these proxies say with ADMIN_TRUST_PROXY=same', async () => {
    const service = await startService({ ADMIN_PORT: '0', TRUST_PROXY: '1', ADMIN_TRUST_PROXY: 'same' });
    try {
      const operators = new Client(service.adminUrl);
      for (let count = 0; count < 11; count++) expect(await guess(operators, count)).toBe(401);
    } finally {
      await service.stop();
    }
  });
});

describe('a service with two ports', () => {
  it('lets operators in while callers have every connection of the public one', async () => {
    const service = await startService({ ADMIN_PORT: '0', MAX_CONNECTIONS: '2' });
    const port = Number(new URL(service.url).port);
    const held = [1, 2].map(() => connect(port, '127.0.0.1'));
    try {
      // Requests whose bodies do not come, so that none of the two is idle.
      for (const socket of held) socket.write(text('POST /api/coupons/apply', { 'Content-Length': '100' }));
      const callers = new Client(service.url).withFreshConnections();
      await until('the public port is full', async () => (await callers.get('/api/campaigns')).status === 503);
      const operators = new Client(service.adminUrl).withFreshConnections();
      expect((await operators.admin('POST', '/api/admin/campaigns/default/pause')).status).toBe(200);
    } finally {
      for (const socket of held) socket.destroy();
      await service.stop();
    }
  });

  it('closes both, also while a caller keeps a connection open', async () => {
    const service = await startService({ ADMIN_PORT: '0' });
    const port = Number(new URL(service.adminUrl).port);
    const idle = connect(port, '127.0.0.1');
    const closed = new Promise((resolve) => idle.once('close', resolve));
    idle.write(text('GET /health/live'));
    await new Promise((resolve) => idle.once('data', resolve));
    await service.stop();
    await closed;
    const refused = await new Promise((resolve) => connect(port, '127.0.0.1').once('error', resolve));
    expect(refused).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('without documents has none at either port', async () => {
    const service = await startService({ ADMIN_PORT: '0', DOCS: 'off' });
    try {
      for (const url of [service.url, service.adminUrl]) {
        expect((await new Client(url).get('/docs')).status).toBe(404);
        expect((await new Client(url).get('/docs-json')).status).toBe(404);
      }
    } finally {
      await service.stop();
    }
  });

  it('does not open the public port when the other one is in use', async () => {
    const taken = await startService();
    const backend = await openBackend();
    const env = { ...backend.env, ADMIN_TOKEN, PORT: '0', ROLES: 'api', ADMIN_PORT: new URL(taken.url).port };
    const app = await createApp(parseEnv(env), { logger: false });
    try {
      await expect(startUp(app)).rejects.toMatchObject({ code: 'EADDRINUSE', variables: 'ADMIN_' });
      expect(app.getHttpServer().listening).toBe(false);
    } finally {
      await app.close();
      await backend.remove();
      await taken.stop();
    }
  });
});
