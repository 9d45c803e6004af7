import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import libsql from 'libsql';
import { freePort } from '../../stack/server-process.js';
import { type Answer, Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { exchange, text } from '../support/raw-http.js';
import { ServiceProcess } from '../support/service-process.js';
import { ADMIN_TOKEN } from '../support/service.js';

const NEXT_TOKEN = 'for-tests-only-Qz8Lw2Nc5Yb7Rt0Kd3Vg6Xj9';
/** A credential that is wrong here. It may be right elsewhere: a caller has mixed up two services. */
const WRONG_TOKEN = 'for-tests-only-Bw3Jd8Fh1Mk6Pq9Ts4Vx7Zc2';
const JWT = `eyJhbGciOiJFUzI1NiJ9.${Buffer.from('{"sub":"alice"}').toString('base64url')}.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg`;
const PASSWORD = 'hunter2-of-the-server';

/** The whole log, at every level, with a line for every answer. */
const ALL = { LOG_LEVEL: 'verbose', ACCESS_LOG: 'all' };

/** What leaves this process in plain text, or opens something, is in no line of the log. */
describe('the log', () => {
  let directory: string;
  let port: number;
  let client: Client;
  const started: ServiceProcess[] = [];
  /** Name → text that must not be found. */
  let secrets: Map<string, string>;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-secrets-'));
    port = await freePort();
    client = new Client(`http://127.0.0.1:${port}`);
    secrets = new Map();
  });
  afterEach(async () => {
    for (const service of started.splice(0)) await service.end('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const spawn = (env: Record<string, string>, args?: readonly string[]) => {
    const service = ServiceProcess.spawn({ DATA_DIR: directory, PORT: String(port), ...ALL, ...env }, args);
    started.push(service);
    return service;
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const found = ({ text }: ServiceProcess) =>
    [...secrets].filter(([, secret]) => text.includes(secret)).map(([name]) => name);

  it('has no token, key, code or secret of a service that is called in every way', async () => {
    const service = spawn({ ADMIN_TOKEN, ADMIN_TOKEN_NEXT: NEXT_TOKEN, DEFAULT_CAMPAIGN_TOTAL: '20' });
    await service.printed(/service\.started/);
    secrets.set('ADMIN_TOKEN', ADMIN_TOKEN).set('ADMIN_TOKEN_NEXT', NEXT_TOKEN);
    secrets.set('a wrong token', WRONG_TOKEN).set('a JWT', JWT).set('its signature', JWT.slice(-28));

    const make = async (role: string): Promise<Answer['body']> => {
      const { body } = await client.admin('POST', '/api/admin/keys', { body: { name: `a ${role}`, role } });
      secrets.set(`the key of the ${role}`, body.key as string);
      secrets.set(`the secret of the ${role}`, (body.key as string).slice(-43));
      return body;
    };
    const [viewer, operator, issuer] = [await make('viewer'), await make('operator'), await make('issuer')];

    // Claims, with keys that open the claim again.
    const key = 'idempotency-key-of-alice';
    secrets.set('the Idempotency-Key', key);
    await client.claim('alice', undefined, { 'idempotency-key': key });
    const claims = ['/api/campaigns/default/claims/alice', '/api/users/alice/coupons'];
    const coupon = await eventually(async () => {
      const { body } = await client.get('/api/users/alice/coupons', bearer(operator.key));
      expect(body.items).toHaveLength(1);
      return body.items[0];
    });
    expect(coupon.code).toMatch(/^\S{12,}$/);
    secrets.set('the code', coupon.code as string);

    const { headers: signedIn } = await client.send('POST', '/api/admin/session', { headers: bearer(operator.key) });
    const cookie = signedIn.get('set-cookie')?.split(';', 1)[0] ?? '';
    expect(cookie).toMatch(/^coupon-session=v1\.\S{100,}$/);
    secrets.set('the cookie', cookie.slice(15)).set('what is sealed in it', cookie.slice(-60));
    const session = (method: string, origin = client.lastAsked) =>
      client.send(method, '/api/admin/session', { headers: { cookie, origin, 'x-requested-with': 'console' } });
    await session('GET');
    await session('POST', 'https://evil.example');

    // Every call of the document, with each credential, and with some where none belongs.
    const { paths } = (await client.get('/docs-json')).body as { paths: Record<string, Record<string, object>> };
    const calls = Object.entries(paths).flatMap(([path, item]) =>
      // A stream would have no end.
      Object.keys(item).map(
        (method) => [path.endsWith('/live') ? 'head' : method, path.replaceAll(/\{\w+\}/g, 'default')] as const,
      ),
    );
    expect(calls.length).toBeGreaterThan(15);
    for (const [method, path] of [...calls, ...claims.map((path) => ['get', path] as const)]) {
      for (const credential of [ADMIN_TOKEN, NEXT_TOKEN, viewer.key, issuer.key, JWT]) {
        const headers = { ...bearer(credential), 'if-match': '"0"', 'idempotency-key': key };
        const body = ['get', 'head', 'delete'].includes(method)
          ? {}
          : { body: { userId: credential, token: credential } };
        // The key administration would revoke nothing: `default` is no id of a key.
        await client.send(method.toUpperCase(), `${path}?token=${credential}`, { headers, ...body });
      }
    }

    // Callers who guess, until they are slowed, also with a key whose last letter is wrong.
    for (const guess of [
      WRONG_TOKEN,
      `${viewer.key.slice(0, -1)}_`,
      `Basic ${WRONG_TOKEN}`,
      `${WRONG_TOKEN} ${WRONG_TOKEN}`,
    ]) {
      for (let time = 0; time < 4; time++) {
        await client.send('GET', '/api/admin/failed-events', { headers: { authorization: `Bearer ${guess}` } });
      }
    }
    secrets.set('a guess', `${viewer.key.slice(-43, -1)}_`);

    // What the parsers refuse holds a token in every place.
    for (const line of [
      `GET /api/campaigns?token=${WRONG_TOKEN} HTTP/9.9`,
      `GET http://user:${WRONG_TOKEN}@127.0.0.1/api/campaigns`,
      `${WRONG_TOKEN}`,
    ]) {
      await exchange([text(line, { Authorization: `Bearer ${WRONG_TOKEN}` })], { port, answers: 1 });
    }
    const json = { 'Content-Type': 'application/json' };
    await exchange([text('POST /api/coupons/apply', json, `{"userId": ${WRONG_TOKEN}}`)], { port, answers: 1 });
    await exchange([text('POST /api/coupons/apply', { [`X-${WRONG_TOKEN}`]: 'x'.repeat(20_000) })], {
      port,
      answers: 1,
    });

    await session('DELETE');
    expect((await session('GET')).body.code).toBe('session-expired');
    await client.admin('DELETE', `/api/admin/keys/${viewer.id}`);
    await client.send('GET', '/api/admin/failed-events', { headers: bearer(viewer.key) });
    await client.admin('GET', '/api/admin/backup');

    expect(await service.end('SIGTERM')).toBe(0);
    const database = new libsql(join(directory, 'coupon.sqlite'), { readonly: true });
    const rows = database.prepare('SELECT purpose, secret FROM installation_keys').all() as {
      purpose: string;
      secret: string;
    }[];
    database.close();
    expect(rows.length).toBeGreaterThan(0);
    for (const { purpose, secret } of rows) secrets.set(`the installation's ${purpose}`, secret);

    // The log is there: it has a line for answers, refusals and keys.
    expect(service.text).toContain('"event":"http.request"');
    expect(service.text).toContain('"event":"key.made"');
    expect(service.text).toContain('/api/campaigns/default/claims/alice');
    expect(found(service)).toEqual([]);
  });

  it('has no token that the first start makes', async () => {
    const service = spawn({});
    await service.printed(/service\.started/);
    secrets.set('the token', readFileSync(join(directory, 'admin-token'), 'utf8').trim());
    expect(await service.end('SIGTERM')).toBe(0);
    expect(found(service)).toEqual([]);
  });

  it('has no password of a server that is away, refuses, or is misspelt', async () => {
    secrets.set('the password', PASSWORD).set('the token', ADMIN_TOKEN);
    const away = await freePort();
    const servers = {
      PROFILE: 'distributed',
      IDENTITY: 'key',
      ADMIN_TOKEN,
      REDIS_URL: `redis://coupon:${PASSWORD}@127.0.0.1:${away}`,
      KAFKA_BROKERS: `127.0.0.1:${away}`,
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'coupon',
      KAFKA_SASL_PASSWORD: PASSWORD,
      DATABASE_URL: `mysql://coupon:${PASSWORD}@127.0.0.1:${away}/coupon`,
    };
    const service = spawn(servers);
    await service.printed(/service\.started/);
    await eventually(async () => {
      for (const server of ['Database', 'Redis', 'Kafka']) expect(service.text).toContain(server);
    });
    await service.end('SIGTERM');
    // A start that fails shows the mistake, and the command that migrates its reason.
    const misspelt = spawn({
      ...servers,
      DATABASE_URL: `mysql:/coupon:${PASSWORD}@127.0.0.1`,
      REDIS_URL: `redis://:${PASSWORD}@`,
    });
    const migration = spawn(servers, [resolve('dist/migrate.js')]);
    const keys = spawn(servers, [resolve('dist/key.js'), 'list']);
    expect([await misspelt.exit(), await migration.exit(), await keys.exit()]).toEqual([1, 1, 1]);
    for (const process of [service, misspelt, migration, keys]) {
      expect(process.text).not.toBe('');
      expect(found(process)).toEqual([]);
    }
  });
});
