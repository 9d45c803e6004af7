import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../../stack/server-process.js';
import { Client, inParallel } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { ServiceProcess } from '../support/service-process.js';
import { ADMIN_TOKEN } from '../support/service.js';
import { until } from '../support/until.js';

const BACKUP = resolve('dist/backup.js');
const EXPORT = resolve('dist/export.js');

describe('an embedded process', () => {
  let directory: string;
  let data: string;
  let port: number;
  let client: Client;
  const started: ServiceProcess[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-backup-'));
    data = join(directory, 'data');
    port = await freePort();
    client = new Client(`http://127.0.0.1:${port}`);
  });
  afterEach(async () => {
    for (const service of started.splice(0)) await service.end('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const spawn = (env: Record<string, string>, args?: string[]) => {
    const service = ServiceProcess.spawn({ DATA_DIR: data, PORT: String(port), ...env }, args);
    started.push(service);
    return service;
  };
  const start = async (env: Record<string, string> = {}) => {
    const service = spawn({ ADMIN_TOKEN, DEFAULT_CAMPAIGN_TOTAL: '100000', ...env });
    await service.printed(/listening on http/);
    return service;
  };
  /** Runs a command of the service to its end. */
  const command = async (script: string, args: string[], env: Record<string, string> = {}) => {
    const process = spawn({ ADMIN_TOKEN, ...env }, [script, ...args]);
    return { code: await process.exit(), text: process.text };
  };
  const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);
  /** Claims until the test stops it. Returns the users who were answered 202. */
  const crowd = () => {
    const promised: string[] = [];
    let stopping = false;
    const over = inParallel([...Array(20).keys()], 20, async (caller) => {
      for (let n = 0; !stopping; n++) {
        const user = `c${caller}-${n}`;
        if ((await client.apply(user)).status === 202) promised.push(user);
      }
    });
    return {
      promised,
      stop: () => {
        stopping = true;
        return over;
      },
    };
  };

  it('lets only the owner read its files', async () => {
    const service = await start();
    expect((await client.claim('a')).status).toBe(202);
    expect(mode(data)).toBe('700');
    for (const file of ['coupon.sqlite', 'coupon.sqlite-wal']) expect(mode(join(data, file))).toBe('600');
    expect(service.text).not.toContain('has mode');
  });

  it('narrows the files of an earlier version, and warns of a directory that others can reach', async () => {
    const first = await start();
    expect((await client.claim('a')).status).toBe(202);
    await first.end('SIGKILL');
    const files = ['coupon.sqlite', 'coupon.sqlite-wal'].map((file) => join(data, file));
    for (const file of files) chmodSync(file, 0o644);
    chmodSync(data, 0o755);
    const second = await start();
    for (const file of files) expect(mode(file)).toBe('600');
    expect(mode(data)).toBe('755');
    expect(second.text).toMatch(/DATA_DIR .* has mode 0755/);
  });

  it('is backed up while claims go on, and its copy knows every claim that was accepted before', async () => {
    await start();
    const claims = crowd();
    await until('claims are flowing', () => claims.promised.length > 300);
    const before = [...claims.promised];
    const to = join(directory, 'copy.sqlite');
    const { code, text } = await command(BACKUP, ['--to', to]);
    expect([code, text]).toEqual([0, expect.stringMatching(/copy\.sqlite: \d+ bytes, checked/)]);
    const after = claims.promised.length;
    await until('claims still flow', () => claims.promised.length > after);
    await claims.stop();
    expect(mode(to)).toBe('600');
    expect(existsSync(join(data, 'backup'))).toBe(false);
    expect((await client.admin('GET', '/api/admin/campaigns/default/audit')).body.drift).toBe(0);
    for (const service of started.splice(0)) await service.end('SIGKILL');

    // The copy alone, in a new directory, works as a service.
    data = join(directory, 'restored');
    mkdirSync(data, { mode: 0o700 });
    copyFileSync(to, join(data, 'coupon.sqlite'));
    await start();
    await inParallel(before, 20, (user) =>
      eventually(async () => {
        expect((await client.get(`/api/campaigns/default/claims/${user}`)).body.status).toBe('ISSUED');
      }),
    );
    expect((await client.audit('default')).drift).toBe(0);
  });

  it('is backed up while the service does not run, and never over an existing file', async () => {
    const service = await start();
    expect((await client.claim('a')).status).toBe(202);
    await service.end('SIGKILL');
    const to = join(directory, 'copy.sqlite');
    expect(await command(BACKUP, ['--to', to])).toMatchObject({ code: 0 });
    const again = await command(BACKUP, ['--to', to]);
    expect(again).toMatchObject({ code: 1, text: expect.stringMatching(/copy\.sqlite exists already\n$/) });
    expect(await command(BACKUP, [])).toMatchObject({ code: 1, text: expect.stringContaining('usage:') });
    expect(await command(BACKUP, ['--into', to])).toMatchObject({ code: 1, text: expect.stringContaining('usage:') });
    data = join(directory, 'empty');
    expect((await command(BACKUP, ['--to', `${to}.2`])).text).toMatch(
      /has no coupon\.sqlite; name a service .* --url\n$/,
    );
    data = join(directory, 'data');
    const elsewhere = join(directory, 'no', 'such', 'directory');
    expect(await command(BACKUP, ['--to', elsewhere])).toMatchObject({
      code: 1,
      text: expect.stringMatching(/^.* was not made: .*\n$/),
    });
  });

  it('shows its token to nobody while it is stopped, and is found without the prefix that a proxy strips', async () => {
    const service = await start({ BASE_PATH: '/shop' });
    const running = join(directory, 'running.sqlite');
    expect(await command(BACKUP, ['--to', running], { BASE_PATH: '/shop' })).toMatchObject({ code: 0 });
    await service.end('SIGKILL');
    const asked: unknown[] = [];
    const other = createServer(({ headers }, response) => {
      asked.push(headers);
      response.writeHead(404).end();
    });
    await once(other.listen(port, '127.0.0.1'), 'listening');
    try {
      const stopped = join(directory, 'stopped.sqlite');
      expect(await command(BACKUP, ['--to', stopped])).toMatchObject({ code: 0 });
      expect(await command(EXPORT, ['--format', 'ndjson'])).toEqual({ code: 0, text: '' });
      expect(asked).toEqual([]);
    } finally {
      other.close();
    }
  });

  it('says what is wrong with the options of a backup', async () => {
    await start();
    const to = join(directory, 'copy.sqlite');
    const wrong = await command(BACKUP, ['--to', to], { ADMIN_TOKEN: 'another-token-0123456789' });
    expect(wrong).toMatchObject({ code: 1, text: expect.stringMatching(/answered 401 unauthorized/) });
    const nobody = await command(BACKUP, ['--to', to, '--url', `http://127.0.0.1:${await freePort()}`]);
    expect(nobody).toMatchObject({ code: 1, text: expect.stringMatching(/^http:\S+ does not answer: .*ECONNREFUSED/) });
    const password = await command(BACKUP, ['--to', to, '--url', `http://kim:hunter2@127.0.0.1:${port}`]);
    expect(password).toMatchObject({ code: 1, text: expect.stringMatching(/^--url must not hold/) });
    expect(password.text).not.toContain('hunter2');
    expect(existsSync(to) || existsSync(`${to}.partial`)).toBe(false);
  });

  it('takes one backup at a time, and the next when the caller of the first has gone', async () => {
    await start();
    const url = `http://127.0.0.1:${port}/api/admin/backup`;
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const answers = await Promise.all([fetch(url, { headers }), fetch(url, { headers }), fetch(url, { headers })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    for (const answer of answers) {
      if (answer.status === 409) expect(await answer.json()).toMatchObject({ code: 'backup-under-way' });
      else await answer.body?.cancel();
    }
    await eventually(async () => {
      const next = await fetch(url, { headers });
      expect(next.status).toBe(200);
      expect(
        Buffer.from(await next.arrayBuffer())
          .subarray(0, 15)
          .toString(),
      ).toBe('SQLite format 3');
    });
    expect((await fetch(url)).status).toBe(401);
    const taken = async () =>
      (await client.admin('GET', '/api/admin/audit-log?action=backup')).body.items.length as number;
    const before = await taken();
    const head = await fetch(url, { method: 'HEAD', headers });
    expect([head.status, head.headers.get('content-type')]).toEqual([200, 'application/vnd.sqlite3']);
    expect(await taken()).toBe(before);
  });

  it('removes the copy that a killed process has left', async () => {
    const first = await start();
    await first.end('SIGKILL');
    mkdirSync(join(data, 'backup'));
    await start();
    expect(existsSync(join(data, 'backup'))).toBe(false);
  });

  it('exports its coupons while it runs, to a file or to standard output', async () => {
    await start();
    for (const user of ['-1', 'b', 'c']) expect((await client.claim(user)).status).toBe(202);
    await eventually(async () => expect(await client.audit('default')).toMatchObject({ rows: 3 }));
    const { code: issued } = (await client.admin('GET', '/api/campaigns/default/claims/b')).body;
    const csv = await command(EXPORT, ['--campaign', 'default']);
    expect(csv.code).toBe(0);
    const [header, ...rows] = csv.text.split('\r\n').slice(0, -1);
    expect(header).toBe('campaignId,userId,claimId,code,sequence,claimedAt,issuedAt');
    expect(rows.map((row) => row.split(',').slice(0, 2))).toEqual([
      ['default', "'-1"],
      ['default', 'b'],
      ['default', 'c'],
    ]);
    const to = join(directory, 'coupons.ndjson');
    expect(await command(EXPORT, ['--to', to, '--format', 'ndjson'])).toEqual({ code: 0, text: '' });
    const lines = readFileSync(to, 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ userId: 'b', code: issued, sequence: 2 }),
    );
    expect(mode(to)).toBe('600');
    expect(await command(EXPORT, ['--to', to])).toMatchObject({ code: 1, text: expect.stringContaining('exists') });
    expect(await command(EXPORT, ['--format', 'xml'])).toMatchObject({
      code: 1,
      text: expect.stringMatching(/usage:/),
    });
    expect(await command(EXPORT, ['--campaign', 'nothing-here'])).toEqual({ code: 0, text: `${header}\r\n` });
  });

  it('does not write its token through a link in the place of its file', async () => {
    mkdirSync(data, { mode: 0o700 });
    const elsewhere = join(directory, 'elsewhere');
    symlinkSync(elsewhere, join(data, 'admin-token'));
    const service = spawn({});
    expect(await service.exit()).toBe(1);
    expect(existsSync(elsewhere)).toBe(false);
    expect(service.text).toMatch(/admin-token/);
    expect(service.text).not.toMatch(/\n\s+at /);
  });
});
