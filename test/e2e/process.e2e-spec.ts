import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../../stack/server-process.js';
import { type Backend, openBackend } from '../support/backend.js';
import { Client, inParallel, isRefused } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { ServiceProcess } from '../support/service-process.js';
import { ADMIN_TOKEN } from '../support/service.js';

describe('a process', () => {
  let backend: Backend;
  const started: ServiceProcess[] = [];

  beforeEach(async () => {
    backend = await openBackend();
  });
  afterEach(async () => {
    for (const service of started.splice(0)) await service.end('SIGKILL');
    await backend.remove();
  });

  const start = async (port: number, env: Record<string, string> = {}) => {
    const service = await ServiceProcess.start(backend, port, env);
    started.push(service);
    return service;
  };

  it('remembers everything after Ctrl-C and a new start', async () => {
    const port = await freePort();
    const client = new Client(`http://127.0.0.1:${port}`);
    let service = await start(port, { DEFAULT_CAMPAIGN_TOTAL: '2' });
    const first = await client.claim(1);
    expect(first.status).toBe(202);
    expect(await service.end('SIGINT')).toBe(0);

    service = await start(port, { DEFAULT_CAMPAIGN_TOTAL: '2' });
    const again = await client.claim(1);
    expect(again.body).toMatchObject({
      code: 'already-claimed',
      claim: { claimedAt: first.body.claimedAt, sequence: 1 },
    });
    expect((await client.claim(2)).body.sequence).toBe(2);
    expect((await client.claim(3)).body.code).toBe('sold-out');
    await eventually(async () => {
      expect((await client.get('/api/campaigns/default/claims/1')).body.status).toBe('ISSUED');
    });
  });

  it('remembers which campaign an Idempotency-Key has made, also when it was killed', async () => {
    const port = await freePort();
    const client = new Client(`http://127.0.0.1:${port}`);
    const make = () =>
      client.admin('POST', '/api/admin/campaigns', {
        body: { name: '쿠폰', total: 3 },
        headers: { 'idempotency-key': 'made-before-the-end' },
      });
    const service = await start(port);
    const first = await make();
    expect(first.status).toBe(201);
    await service.end('SIGKILL');

    await start(port);
    const again = await make();
    expect([again.status, again.headers.get('idempotent-replayed'), again.body]).toEqual([201, 'true', first.body]);
    expect((await client.claim('a', first.body.id)).status).toBe(202);
  });

  it('answers what is in flight and ends within 10 s when it is asked to stop under load', async () => {
    const port = await freePort();
    const client = new Client(`http://127.0.0.1:${port}`).withFreshConnections();
    const service = await start(port, { DEFAULT_CAMPAIGN_TOTAL: '100000' });
    const promised: string[] = [];
    const unexpected: unknown[] = [];
    const unanswered: string[] = [];
    const statuses = new Set<number>();
    let stopping = false;
    const load = inParallel([...Array(20).keys()], 20, async (caller) => {
      for (let n = 0; n < 10_000; n++) {
        try {
          const { status } = await client.apply(`c${caller}-${n}`);
          statuses.add(status);
          if (status === 202) promised.push(`c${caller}-${n}`);
        } catch (error) {
          if (!stopping) unexpected.push(error);
          // A closed port refuses connections, and the kernel resets those that were not accepted yet.
          if (!isRefused(error)) unanswered.push(`c${caller}-${n}`);
          return;
        }
      }
    });
    await eventually(() => expect(promised.length).toBeGreaterThan(200));
    stopping = true;
    // 0: it had ended everything before its own limit of 9.5 s.
    expect(await service.end('SIGTERM')).toBe(0);
    await load;
    expect(unexpected).toEqual([]);
    // 408: this process stalled between connecting and sending.
    expect([...statuses].filter((status) => ![202, 408, 503].includes(status))).toEqual([]);

    await start(port);
    // A call that was taken has its answer: a user without an answer has no claim.
    for (const user of unanswered) {
      await eventually(async () => {
        expect((await client.get(`/api/campaigns/default/claims/${user}`)).body.code).toBe('claim-not-found');
      });
    }
    for (const user of promised.slice(-200)) {
      await eventually(async () => {
        expect((await client.get(`/api/campaigns/default/claims/${user}`)).body.status).toBe('ISSUED');
      });
    }
  });
});

describe('an embedded process', () => {
  let directory: string;
  const started: ServiceProcess[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-process-'));
  });
  afterEach(async () => {
    for (const service of started.splice(0)) await service.end('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const spawn = (env: Record<string, string>, cwd?: string) => {
    const service = ServiceProcess.spawn({ DATA_DIR: join(directory, 'data'), ...env }, undefined, cwd);
    started.push(service);
    return service;
  };

  /** Expects a refusal to start: one line that says why, and an exit code. */
  const refused = async (env: Record<string, string>, line: RegExp) => {
    const service = spawn({ LOG_FORMAT: 'pretty', ...env });
    expect(await service.exit()).toBe(1);
    expect(service.text).toMatch(line);
    expect(service.text).not.toMatch(/\n\s+at /);
    expect(service.text).not.toContain('"level":"error"');
  };

  it('starts with nothing but Node, says where everything is, and keeps its token to itself', async () => {
    const port = await freePort();
    const service = spawn({ PORT: String(port) });
    await service.printed(/listening on http/);
    expect(service.text).toContain(`http://127.0.0.1:${port}/docs`);
    const token = join(directory, 'data', 'admin-token');
    expect(service.text).toContain(token);
    expect(statSync(token).mode & 0o777).toBe(0o600);
    expect(service.text).not.toContain(readFileSync(token, 'utf8').trim());
    const docs = await new Client(`http://127.0.0.1:${port}`).get('/docs');
    expect([docs.status, docs.headers.get('content-type')]).toEqual([200, expect.stringContaining('text/html')]);
  });

  it('says which port is in use', async () => {
    const port = String(await freePort());
    const first = spawn({ PORT: port });
    await first.printed(/listening on http/);
    await refused({ PORT: port, DATA_DIR: join(directory, 'other') }, new RegExp(`PORT ${port}.*in use`));
  });

  it('says that the data directory cannot be written', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    await refused({ PORT: '0', DATA_DIR: join(file, 'data') }, /DATA_DIR .*cannot be written/);
  });

  it('refuses a second instance on the same data, also after the first was killed and came back', async () => {
    const first = spawn({ PORT: '0' });
    await first.printed(/listening on http/);
    await refused({ PORT: '0' }, /in use by another instance/);
    await first.end('SIGKILL');
    const back = spawn({ PORT: '0' });
    await back.printed(/listening on http/);
    await refused({ PORT: '0' }, /in use by another instance/);
  });

  it('reads .env in its working directory, says so first, and warns of what has no effect', async () => {
    writeFileSync(
      join(directory, '.env'),
      'LOG_LEVEL=debug\nDATA_DIR=./unused\nPROT=3001\nREDIS_PASSWORD=of-compose\n',
    );
    const service = spawn({ PORT: '0' }, directory);
    await service.printed(/listening on http/);
    const [first, second] = service.text.split('\n');
    expect(first).toContain('configuration: .env (1 variable) and the environment');
    expect(second).toMatch(/"level":"warn".*PROT is not read; is PORT meant\?/);
    expect(service.text).not.toContain('of-compose');
    expect(existsSync(join(directory, 'unused'))).toBe(false);
  });

  it('says first that there is no .env, as in the working directory of the tests', async () => {
    const service = spawn({ PORT: '0' });
    await service.printed(/listening on http/);
    expect(service.text.split('\n')[0]).toContain('configuration: the environment');
  });

  it('is refused with the name of a .env that cannot be read', async () => {
    mkdirSync(join(directory, '.env'));
    const service = spawn({ PORT: '0' }, directory);
    expect(await service.exit()).toBe(1);
    expect(service.text).toMatch(/\.env: expected .*it is a directory/);
  });

  const SERVERS = {
    PROFILE: 'distributed',
    IDENTITY: 'open',
    REDIS_URL: 'redis://127.0.0.1:1',
    KAFKA_BROKERS: '127.0.0.1:1',
    DATABASE_URL: 'mysql://coupon:coupon@127.0.0.1:1/coupon',
    ADMIN_TOKEN,
  };

  it.each([
    [{ HOST: '203.0.113.1' }, /HOST 203\.0\.113\.1 is no address of this machine \(EADDRNOTAVAIL\)/],
    [{ HOST: 'no-such-host.invalid' }, /HOST no-such-host\.invalid cannot be resolved \(\w+\)/],
    [{ REDIS_URL: 'redis://127.0.0.1:1' }, /PROFILE: expected distributed, because of REDIS_URL; or embedded/],
    [{ ...SERVERS, REDIS_URL: 'redis://127.0.0.1:1/abc' }, /REDIS_URL: expected .*a number/],
    [{ ...SERVERS, REDIS_URL: 'redis://:50%@127.0.0.1:1' }, /REDIS_URL: expected .*percent-encoded/],
    [
      { ...SERVERS, DATABASE_URL: 'mysql://coupon:coupon@127.0.0.1:1/coupon?ssl-mode=REQUIRED' },
      /DATABASE_URL: expected .*DATABASE_SSL/,
    ],
    [
      { ...SERVERS, DATABASE_URL: 'mysql://coupon:coupon@127.0.0.1:1/coupon/' },
      /DATABASE_URL: expected .*no further slash/,
    ],
    [{ ADMIN_TOKEN_FILE: '/no/such/file' }, /ADMIN_TOKEN_FILE: expected .*it does not exist/],
    [{ PORT: 'eighty' }, /PORT: expected .*"eighty" was given/],
    [{ PROFILE: 'cloud' }, /PROFILE: expected embedded or distributed/],
    [{ ROLES: 'api,cook' }, /ROLES: expected/],
    [{ ADMIN_TOKEN: 'short' }, /ADMIN_TOKEN: expected/],
    [
      Object.fromEntries(Object.entries(SERVERS).filter(([name]) => name !== 'IDENTITY')),
      /IDENTITY: expected key, jwt, or open/,
    ],
    [{ PROFILE: 'distributed' }, /REDIS_URL: expected[^]*KAFKA_BROKERS: expected[^]*DATABASE_URL: expected/],
  ])('names the variable that is wrong in %j', async (env, line) => {
    await refused(env as unknown as Record<string, string>, line);
  });
});
