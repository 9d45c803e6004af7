import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { type Answer, Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';

const SESSION = '/api/admin/session';

/** A browser: it keeps the cookie of one service, and sends what browsers send with a call of its page. */
class Browser {
  cookie = '';
  private readonly client: Client;

  /** @param origin of the page; by default that of the service. */
  constructor(
    url: string,
    private readonly origin = url,
  ) {
    this.client = new Client(url);
  }

  async signIn(credential: string): Promise<Answer> {
    const answer = await this.client.send('POST', SESSION, {
      headers: { authorization: `Bearer ${credential}`, origin: this.origin },
    });
    this.cookie = answer.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    return answer;
  }

  call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const isChange = method !== 'GET' && method !== 'HEAD';
    return this.client.send(method, path, {
      body,
      headers: {
        cookie: this.cookie,
        ...(isChange ? { origin: this.origin, 'x-requested-with': 'console' } : {}),
        ...headers,
      },
    });
  }
}

describe('the session of an operator', () => {
  let service: Service;
  let client: Client;
  beforeAll(async () => {
    service = await startService({ ADMIN_PORT: '0' });
    client = new Client(service.adminUrl);
  });
  afterAll(() => service.stop());

  async function makeKey(role: string): Promise<{ id: string; key: string }> {
    return (await client.admin('POST', '/api/admin/keys', { body: { name: `console ${role}`, role } })).body;
  }

  async function signedIn(role: string): Promise<Browser & { readonly keyId: string }> {
    const { id, key } = await makeKey(role);
    const browser = new Browser(service.adminUrl);
    expect((await browser.signIn(key)).status).toBe(201);
    return Object.assign(browser, { keyId: id });
  }

  it('says who is signed in, until when, and where', async () => {
    const browser = await signedIn('operator');
    const { status, body } = await browser.call('GET', SESSION);
    expect([status, body]).toEqual([
      200,
      {
        actor: { id: browser.keyId, name: 'console operator' },
        role: 'operator',
        expiresAt: expect.any(String),
        bySession: true,
        service: {
          profile: expect.stringMatching(/^(?:embedded|distributed)$/),
          identity: 'open',
          version: expect.stringMatching(/^\d+\.\d+\.\d+/),
          installation: expect.stringMatching(/\S/),
          twoPerson: false,
          onePort: false,
        },
      },
    ]);
    const left = Date.parse(body.expiresAt) - Date.now();
    expect(left).toBeGreaterThan(7.9 * 3_600_000);
    expect(left).toBeLessThanOrEqual(8 * 3_600_000);
    const byToken = await client.admin('GET', SESSION);
    expect(byToken.body).toMatchObject({ actor: { id: 'bootstrap' }, expiresAt: null, bySession: false });
  });

  it('acts with its role, under its name in the audit log', async () => {
    const browser = await signedIn('operator');
    const made = await browser.call('POST', '/api/admin/campaigns', { name: 'by console', total: 3 });
    expect(made.status).toBe(201);
    const paused = await browser.call('POST', `/api/admin/campaigns/${made.body.id}/pause`);
    expect(paused.status).toBe(200);
    expect(await browser.call('GET', '/api/admin/keys')).toMatchObject({ status: 403, body: { neededRole: 'admin' } });
    const { items } = (await browser.call('GET', `/api/admin/audit-log?actor=${browser.keyId}`)).body;
    expect(items.map(({ action }: { action: string }) => action)).toEqual([
      'campaign.pause',
      'campaign.create',
      'session.begin',
    ]);
    expect(items[0].actor).toEqual({ id: browser.keyId, name: 'console operator' });
  });

  it.each<[string, Record<string, string>]>([
    ['no Origin', { origin: '' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['the origin null', { origin: 'null' }],
    ['no X-Requested-With', { 'x-requested-with': '' }],
    ['a page of a neighbour', { 'sec-fetch-site': 'same-site' }],
  ])('changes nothing with %s', async (_what, over) => {
    const browser = await signedIn('operator');
    const headers = Object.entries({ origin: service.adminUrl, 'x-requested-with': 'console', ...over });
    const call = await client.send('POST', '/api/admin/campaigns', {
      body: { name: 'forged', total: 1 },
      headers: { cookie: browser.cookie, ...Object.fromEntries(headers.filter(([, value]) => value !== '')) },
    });
    expect([call.status, call.body.code]).toEqual([403, 'not-same-origin']);
  });

  it('changes nothing from a page of the public port', async () => {
    const browser = await signedIn('operator');
    const call = await browser.call(
      'POST',
      '/api/admin/campaigns',
      { name: 'forged', total: 1 },
      { origin: service.url },
    );
    expect([call.status, call.body.code]).toEqual([403, 'not-same-origin']);
  });

  it('does not begin from a page of another origin, nor by the cookie of a session', async () => {
    const { key } = await makeKey('viewer');
    for (const origin of ['https://evil.example', 'null', service.url]) {
      const { status, body, headers } = await new Browser(service.adminUrl, origin).signIn(key);
      expect([origin, status, body.code, headers.get('set-cookie')]).toEqual([origin, 403, 'not-same-origin', null]);
    }
    const browser = await signedIn('viewer');
    const renewed = await browser.call('POST', SESSION);
    expect([renewed.status, renewed.body.code, renewed.headers.get('set-cookie')]).toEqual([401, 'unauthorized', null]);
  });

  it('does not begin for a key that is for other calls', async () => {
    for (const role of ['issuer', 'redeemer']) {
      const { status, body } = await new Browser(service.adminUrl).signIn((await makeKey(role)).key);
      expect([role, status, body.code]).toEqual([role, 403, 'role-not-allowed']);
    }
  });

  it('ends with its key', async () => {
    const browser = await signedIn('viewer');
    expect((await browser.call('GET', SESSION)).status).toBe(200);
    expect((await client.admin('DELETE', `/api/admin/keys/${browser.keyId}`)).status).toBe(200);
    await eventually(async () => {
      const { status, body } = await browser.call('GET', SESSION);
      expect([status, body.code]).toEqual([401, 'session-expired']);
    });
  });

  it('is over for every holder of the cookie after a sign-out, and takes it from the browser', async () => {
    const browser = await signedIn('operator');
    const other = await signedIn('operator');
    const out = await browser.call('DELETE', SESSION);
    expect([out.status, out.headers.get('set-cookie')]).toEqual([
      204,
      'coupon-session=; Max-Age=0; Path=/api/admin; HttpOnly; SameSite=Strict',
    ]);
    await eventually(async () => {
      const { status, body } = await browser.call('GET', SESSION);
      expect([status, body.code]).toEqual([401, 'session-expired']);
    });
    expect((await other.call('GET', SESSION)).status).toBe(200);
    const { items } = (await client.admin('GET', `/api/admin/audit-log?actor=${browser.keyId}`)).body;
    expect(items[0].action).toBe('session.end');
  });

  it('is over for who has copied its cookie when the same browser signs in again', async () => {
    const browser = await signedIn('viewer');
    const copied = browser.cookie;
    const { key } = await makeKey('operator');
    const again = await client.send('POST', SESSION, {
      headers: { authorization: `Bearer ${key}`, origin: service.adminUrl, cookie: copied },
    });
    expect(again.status).toBe(201);
    await eventually(async () => expect((await browser.call('GET', SESSION)).status).toBe(401));
    browser.cookie = again.headers.get('set-cookie')?.split(';', 1)[0] ?? '';
    expect(await browser.call('GET', SESSION)).toMatchObject({ status: 200, body: { role: 'operator' } });
  });

  it('that is over ends what it watches', async () => {
    const browser = await signedIn('viewer');
    const watching = await fetch(`${service.adminUrl}/api/admin/live?campaignId=default`, {
      headers: { cookie: browser.cookie },
    });
    expect(watching.status).toBe(200);
    const reader = watching.body?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    expect((await browser.call('DELETE', SESSION)).status).toBe(204);
    for (;;) {
      if ((await reader?.read())?.done !== false) break;
    }
  });

  it('of another operator is not ended by a call that brings a credential besides', async () => {
    const browser = await signedIn('viewer');
    const out = await browser.call('DELETE', SESSION, undefined, { authorization: `Bearer ${ADMIN_TOKEN}` });
    expect(out.status).toBe(204);
    expect((await browser.call('GET', SESSION)).status).toBe(200);
  });

  it('is nothing to the callers of a drop', async () => {
    const browser = await signedIn('operator');
    const accepted = await new Client(service.url).claim('session-user');
    await eventually(async () => {
      const { body } = await client.get('/api/users/session-user/coupons', { authorization: `Bearer ${ADMIN_TOKEN}` });
      expect(body.items[0]?.code).toMatch(/\S/);
    });
    const { body } = await browser.call('GET', '/api/users/session-user/coupons');
    expect(body.items[0]).not.toHaveProperty('code');
    expect(JSON.stringify(body)).not.toContain(accepted.body.claimId);
  });

  it('counts failed sign-ins as guesses, and a cookie as none', async () => {
    const own = await startService({ TRUST_PROXY: '1' });
    try {
      const at = new Client(own.url);
      const from = (headers: Record<string, string>) =>
        at.send('POST', SESSION, { headers: { 'x-forwarded-for': '192.0.2.7', ...headers } });
      for (let count = 0; count < 12; count++) {
        const forged = { cookie: `coupon-session=v1.AAAAAAAA.${'A'.repeat(90)}` };
        expect((await at.get(SESSION, { 'x-forwarded-for': '192.0.2.7', ...forged })).status).toBe(401);
      }
      for (let count = 0; count < 10; count++) {
        expect((await from({ authorization: 'Bearer a-wrong-token-0123456' })).status).toBe(401);
      }
      expect((await from({ authorization: 'Bearer a-wrong-token-0123456' })).status).toBe(429);
      expect((await from({ authorization: `Bearer ${ADMIN_TOKEN}` })).status).toBe(429);
    } finally {
      await own.stop();
    }
  });
});

describe('behind a proxy', () => {
  it('the origin is that of the proxy, as far as the proxy is trusted', async () => {
    const service = await startService({ TRUST_PROXY: '1', BASE_PATH: '/shop' });
    try {
      const client = new Client(service.url);
      const call = (method: string, path: string, headers: Record<string, string>) =>
        client.send(method, path, { headers: { 'x-forwarded-host': 'shop.example', ...headers } });
      const page = { origin: 'https://shop.example', 'x-requested-with': 'console' };
      const signedIn = await call('POST', SESSION, { ...page, authorization: `Bearer ${ADMIN_TOKEN}` });
      const set = signedIn.headers.get('set-cookie') ?? '';
      expect(set).toMatch(/; Path=\/shop\/api\/admin; HttpOnly; SameSite=Strict; Secure$/);
      const cookie = set.split(';', 1)[0] ?? '';
      const pause = '/api/admin/campaigns/default/pause';
      expect((await call('POST', pause, { ...page, cookie })).status).toBe(200);
      // The page of whom the request seems to come is not that of the proxy.
      const direct = await call('POST', pause, { ...page, cookie, origin: service.url });
      expect([direct.status, direct.body.code]).toEqual([403, 'not-same-origin']);
    } finally {
      await service.stop();
    }
  });
});

describe('an operator of the identity provider', () => {
  it('signs in with the token, and has its role until it ends', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const directory = mkdtempSync(join(tmpdir(), 'coupon-sessions-'));
    const file = join(directory, 'issuer.pem');
    writeFileSync(file, await exportSPKI(publicKey));
    const service = await startService({
      IDENTITY: 'jwt',
      JWT_ISSUER: 'https://issuer.example',
      JWT_AUDIENCE: 'coupons',
      JWT_PUBLIC_KEY_FILE: file,
      JWT_ROLE_CLAIM: 'coupon_role',
    });
    try {
      const tokenOf = (subject: string, claims: Record<string, string>, until: string | number = '1h') =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'ES256' })
          .setSubject(subject)
          .setIssuer('https://issuer.example')
          .setAudience('coupons')
          .setExpirationTime(until)
          .sign(privateKey);
      const browser = new Browser(service.url);
      expect((await browser.signIn(await tokenOf('auth0|kim', { coupon_role: 'operator' }))).status).toBe(201);
      const { body } = await browser.call('GET', SESSION);
      expect(body).toMatchObject({ actor: { id: 'jwt:auth0|kim', name: 'auth0|kim' }, role: 'operator' });
      expect(Date.parse(body.expiresAt) - Date.now()).toBeLessThanOrEqual(3_600_000);
      expect((await browser.call('POST', '/api/admin/campaigns/default/pause')).status).toBe(200);
      // The cookie is no token of a user.
      expect((await browser.call('GET', '/api/users/me/coupons')).status).toBe(401);
      expect((await new Browser(service.url).signIn(await tokenOf('auth0|bob', {}))).status).toBe(403);
      // Clocks may be 30 s apart, so calls still take this token.
      const ended = await tokenOf('auth0|kim', { coupon_role: 'operator' }, Math.floor(Date.now() / 1_000) - 1);
      expect((await new Client(service.url).get(SESSION, { authorization: `Bearer ${ended}` })).status).toBe(200);
      expect((await new Browser(service.url).signIn(ended)).status).toBe(401);
    } finally {
      await service.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
