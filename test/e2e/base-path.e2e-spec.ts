import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

const BASE = '/shop/coupons';

/** A proxy that serves the service under a prefix, like a gateway in front of several services. */
async function openStrippingProxy(target: string): Promise<Server> {
  const { port } = new URL(target);
  const proxy = createServer((incoming, outgoing) => {
    const { method, url = '', headers } = incoming;
    if (!url.startsWith(`${BASE}/`)) {
      outgoing.writeHead(404, { 'content-type': 'text/plain' }).end('not ours');
      return;
    }
    const options = { host: '127.0.0.1', port, method, path: url.slice(BASE.length), headers };
    const forwarded = request(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    forwarded.once('error', () => outgoing.writeHead(502).end());
    incoming.pipe(forwarded);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return proxy;
}

describe('behind a proxy that strips a prefix', () => {
  let service: Service;
  let proxy: Server;
  /** The address of the proxy, without the prefix. */
  let origin: string;
  let client: Client;

  beforeAll(async () => {
    service = await startService({ BASE_PATH: BASE });
    proxy = await openStrippingProxy(service.url);
    origin = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    client = new Client(origin);
  });
  afterAll(async () => {
    proxy.closeAllConnections();
    proxy.close();
    await service.stop();
  });

  const json = async (path: string) => (await client.get(path)).body;
  const make = (headers: Record<string, string> = {}) =>
    client.admin('POST', `${BASE}/api/admin/campaigns`, { body: { name: '쿠폰', total: 2 }, headers });

  it('every Location leads through the proxy to what was made', async () => {
    const made = await make({ 'idempotency-key': 'k' });
    const campaign = made.headers.get('location') ?? '';
    expect([made.status, campaign]).toEqual([201, `${BASE}/api/campaigns/${made.body.id}`]);
    expect((await json(campaign)).id).toBe(made.body.id);
    expect((await make({ 'idempotency-key': 'k' })).headers.get('location')).toBe(campaign);

    const apply = (headers: Record<string, string> = {}) =>
      client.send('POST', `${BASE}/api/coupons/apply`, { body: { userId: 'a', campaignId: made.body.id }, headers });
    const accepted = await apply({ 'idempotency-key': 'k' });
    const claim = accepted.headers.get('location') ?? '';
    expect([accepted.status, claim]).toEqual([202, `${campaign}/claims/a`]);
    await eventually(async () => expect((await json(claim)).status).toBe('ISSUED'));
    const again = await apply();
    expect([again.status, again.headers.get('location')]).toEqual([409, claim]);
    expect((await apply({ 'idempotency-key': 'k' })).headers.get('location')).toBe(claim);
  });

  it('the document names the proxy’s path as its server, and calls that are built from it arrive', async () => {
    const documentUrl = `${origin}${BASE}/docs-json`;
    const document = await json(`${BASE}/docs-json`);
    expect(document.servers).toEqual([{ url: BASE }]);
    const server = new URL(document.servers[0].url, documentUrl);
    const answer = await fetch(new URL(`${server.pathname}/api/campaigns/default`, server));
    expect([answer.status, await answer.json()]).toMatchObject([200, { id: 'default' }]);
  });

  it('the page of the documentation finds everything that it loads', async () => {
    for (const path of [`${BASE}/docs`, `${BASE}/docs/`]) {
      const page = `${origin}${path}`;
      const html = (await client.get(path)).body as string;
      const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file]) => new URL(file ?? '', page));
      expect(files.length).toBeGreaterThan(3);
      for (const file of files) expect([file.href, (await fetch(file)).status]).toEqual([file.href, 200]);
      const script = files.find(({ pathname }) => pathname.endsWith('swagger-ui-init.js')) as URL;
      const named = /new URL\('([^']+)', document\.currentScript\.src\)/.exec(await (await fetch(script)).text())?.[1];
      expect(new URL(named ?? '', script).pathname).toBe(`${BASE}/docs-json`);
    }
  });

  it('a refusal names the path that the service was asked for, as its log does', async () => {
    const { status, body } = await client.get(`${BASE}/api/campaigns/nothing`);
    expect([status, body.instance]).toEqual([404, '/api/campaigns/nothing']);
  });
});
