import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { Client } from '../support/client.js';
import { type Service, startService } from '../support/service.js';
import { eventually } from '../support/eventually.js';

describe('claims over a limit', () => {
  let service: Service;
  let client: Client;
  const start = async (env: Record<string, string>): Promise<void> => {
    service = await startService(env);
    // One api: each counts by itself.
    client = new Client(service.url);
  };
  afterEach(() => service.stop());

  const countOf = async (reason: string): Promise<number> => {
    const { body } = await client.get('/metrics');
    const line = new RegExp(`^coupon_refused_early_total\\{reason="${reason}"\\} (\\d+)$`, 'm').exec(String(body));
    return Number(line?.[1]);
  };

  it('of their user are 429 before the gate, say when to come back, and are counted', async () => {
    await start({ RATE_LIMIT_USER: '2/1h' });
    const campaign = await client.createCampaign(10);
    expect((await client.apply('ada', campaign)).status).toBe(202);
    expect((await client.apply('ada', campaign)).status).toBe(409);
    const refused = await client.apply('ada', campaign);
    expect([refused.status, refused.body.code]).toEqual([429, 'too-many-requests']);
    expect(refused.headers.get('content-type')).toBe('application/problem+json');
    expect(refused.headers.get('cache-control')).toBe('no-store');
    const wait = Number(refused.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(1_700);
    expect(wait).toBeLessThanOrEqual(1_800);
    expect(refused.headers.get('ratelimit')).toBe(`"user";r=0;t=${wait}`);
    expect(refused.headers.get('ratelimit-policy')).toBe('"user";q=2;w=3600');
    expect((await client.apply('bob', campaign)).status).toBe(202);
    await eventually(async () => expect(await countOf('user')).toBe(1));
    expect((await client.audit(campaign)).gate).toBe(2);
  });

  it('of their user are counted for each user, whatever campaign they name, and not while they are invalid', async () => {
    await start({ RATE_LIMIT_USER: '2/1h' });
    for (let call = 0; call < 5; call++) {
      expect((await client.apply('', 'default')).status).toBe(400);
      expect((await client.apply('ada', 'not an id!')).status).toBe(400);
    }
    expect((await client.apply('ada', 'no-such-one')).status).toBe(404);
    expect((await client.apply('ada', 'another-one')).status).toBe(404);
    expect((await client.apply('ada', 'a-third-one')).status).toBe(429);
  });

  it('of their address are 429, and a forged X-Forwarded-For changes nothing', async () => {
    await start({ RATE_LIMIT_IP: '3/1h' });
    const forged = (last: number) => ({ 'x-forwarded-for': `203.0.113.${last}`, forwarded: `for=203.0.113.${last}` });
    for (let call = 1; call <= 3; call++) {
      expect((await client.apply(`user-${call}`, undefined, forged(call))).status).toBe(202);
    }
    const refused = await client.apply('user-4', undefined, forged(4));
    expect([refused.status, refused.headers.get('ratelimit-policy')]).toEqual([429, '"address";q=3;w=3600']);
    // A faulty body costs as much as a good one.
    expect((await client.send('POST', '/api/coupons/apply', { body: {} })).status).toBe(429);
    expect((await client.get('/api/campaigns')).status).toBe(200);
    await eventually(async () => expect(await countOf('address')).toBe(2));
  });

  it('of the address that a trusted proxy names are 429, an IPv6 one by its /64', async () => {
    await start({ RATE_LIMIT_IP: '1/1h', TRUST_PROXY: '1' });
    const statusOf = async (user: string, address: string): Promise<number> =>
      (await client.apply(user, undefined, { 'x-forwarded-for': `198.51.100.9, ${address}` })).status;
    expect(await statusOf('ada', '203.0.113.1')).toBe(202);
    expect(await statusOf('bob', '203.0.113.2')).toBe(202);
    expect(await statusOf('eve', '203.0.113.1')).toBe(429);
    expect(await statusOf('joe', '2001:db8::1')).toBe(202);
    expect(await statusOf('kim', '2001:db8::2')).toBe(429);
    expect(await statusOf('lee', '2001:db8:0:1::2')).toBe(202);
  });

  it('of all are 503 busy, and take no slot', async () => {
    await start({ RATE_LIMIT_TOTAL: '1' });
    const campaign = await client.createCampaign(100);
    const answers = await Promise.all(Array.from({ length: 30 }, (_, at) => client.apply(`user-${at}`, campaign)));
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).toBeGreaterThan(0);
    for (const { body, headers } of refused) {
      expect(body.code).toBe('busy');
      expect(headers.get('retry-after')).toMatch(/^[123]$/);
      expect(headers.get('ratelimit')).toBeNull();
    }
    expect((await client.audit(campaign)).gate).toBe(answers.length - refused.length);
    await eventually(async () => expect(await countOf('total')).toBe(refused.length));
  });

  it('are not refused when no limit is set: a thousand calls of one user are one coupon and 999 refusals', async () => {
    await start({});
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => client.claim('ada')));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 202)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(999);
  });
});

describe('claims of a user with a token', () => {
  let service: Service;
  let client: Client;
  let directory: string;
  let tokenOf: (user: string) => Promise<string>;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    directory = mkdtempSync(join(tmpdir(), 'coupon-rates-'));
    const file = join(directory, 'issuer.pem');
    writeFileSync(file, await exportSPKI(publicKey));
    tokenOf = (user) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer('https://issuer.example')
        .setAudience('coupons')
        .setSubject(user)
        .setExpirationTime('1h')
        .sign(privateKey);
    service = await startService({
      IDENTITY: 'jwt',
      JWT_ISSUER: 'https://issuer.example',
      JWT_AUDIENCE: 'coupons',
      JWT_PUBLIC_KEY_FILE: file,
    });
    client = new Client(service.url);
  });
  afterAll(async () => {
    await service.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('are ten at once and then one a second, without a variable that says so', async () => {
    const authorization = `Bearer ${await tokenOf('ada')}`;
    const asked: number[] = [];
    for (;;) {
      const { status, headers } = await client.send('POST', '/api/coupons/apply', {
        body: {},
        headers: { authorization },
      });
      if (status === 429) {
        expect(headers.get('ratelimit-policy')).toBe('"user";q=10;w=10');
        break;
      }
      asked.push(status);
    }
    expect(asked.length).toBeGreaterThanOrEqual(10);
    expect(new Set(asked)).toEqual(new Set([202, 409]));
    const other = { authorization: `Bearer ${await tokenOf('bob')}` };
    expect((await client.send('POST', '/api/coupons/apply', { body: {}, headers: other })).status).toBe(202);
  });

  it('take nothing of a user whom somebody else names', async () => {
    const eve = { authorization: `Bearer ${await tokenOf('eve')}` };
    for (let call = 0; call < 30; call++) {
      expect((await client.apply('victim', undefined, eve)).status).toBe(403);
      expect((await client.apply('victim')).status).toBe(401);
    }
    const victim = { authorization: `Bearer ${await tokenOf('victim')}` };
    expect((await client.send('POST', '/api/coupons/apply', { body: {}, headers: victim })).status).toBe(202);
  });
});
