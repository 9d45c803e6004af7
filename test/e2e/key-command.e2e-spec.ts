import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../stack/server-process.js';
import { type Backend, openBackend, TOPOLOGY } from '../support/backend.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { ServiceProcess } from '../support/service-process.js';
import { ADMIN_TOKEN } from '../support/service.js';

const KEY = resolve('dist/key.js');
const FAILED = '/api/admin/failed-events';

describe('npm run key', () => {
  let backend: Backend;
  let port: number;
  let client: Client;
  let service: ServiceProcess;
  /** Files of this test. */
  let directory: string;

  const start = async () => {
    service = await ServiceProcess.start(backend, port);
  };
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-keys-'));
    backend = await openBackend();
    port = await freePort();
    client = new Client(`http://127.0.0.1:${port}`);
    await start();
  });
  afterAll(async () => {
    await service.end('SIGKILL');
    await backend.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Runs the command to its end, in the environment of the service unless told otherwise. */
  const key = (args: readonly string[], env: Record<string, string> = { ...backend.env, ADMIN_TOKEN }) =>
    ServiceProcess.run({ PORT: String(port), ...env }, [KEY, ...args]);
  const made = async (...args: string[]): Promise<{ id: string; secret: string }> => {
    const { code, text } = await key(['create', ...args]);
    const [secret = '', id = ''] = /^cpn_[a-z]+_([0-9A-Z]{26})_\S{43}$/m.exec(text) ?? [];
    expect([code, secret]).toEqual([0, expect.stringMatching(/^cpn_/)]);
    return { id, secret };
  };
  const with_ = (secret: string) => ({ authorization: `Bearer ${secret}` });
  const statusWith = async (secret: string) => (await client.get(FAILED, with_(secret))).status;

  it('makes a key beside the running service, which the service knows at once', async () => {
    const { id, secret } = await made('--role', 'operator', '--name', '쿠폰 운영자');
    expect(await statusWith(secret)).toBe(200);
    const { code, text } = await key(['list']);
    expect(code).toBe(0);
    expect(text).toMatch(new RegExp(`^${id}\toperator\t.*\tvalid\t쿠폰 운영자$`, 'm'));
    expect(text).not.toContain(secret.slice(-43));

    const entry = (await client.admin('GET', '/api/admin/audit-log?action=key.create')).body.items[0];
    // The embedded service holds its file, so the command asks the service.
    expect(entry).toMatchObject({ subject: id, actor: { id: TOPOLOGY === 'embedded' ? 'bootstrap' : 'command' } });
    expect(JSON.stringify(entry)).not.toContain(secret.slice(-43));
  });

  it('revokes a key, once and for good', async () => {
    const { id, secret } = await made('--role', 'viewer', '--name', 'short-lived', '--expires', '2999-01-01T00:00Z');
    expect(await statusWith(secret)).toBe(200);
    for (let time = 0; time < 2; time++) {
      const { code, text } = await key(['revoke', id]);
      expect([code, text]).toEqual([0, expect.stringContaining(`${id} (viewer, short-lived) is revoked since 2`)]);
    }
    await eventually(async () => expect(await statusWith(secret)).toBe(401));
    expect((await key(['list'])).text).toMatch(new RegExp(`^${id}\tviewer\t.*\trevoked 2\\S+\tshort-lived$`, 'm'));
  });

  it('works at a distance with an admin key from a file, and with no other role', async () => {
    const url = ['--url', `http://127.0.0.1:${port}/`];
    const file = join(directory, 'token');
    for (const [role, code, text] of [
      ['admin', 0, /^cpn_redeemer_/m],
      ['operator', 1, /answered 403 role-not-allowed/],
    ] as const) {
      writeFileSync(file, `${(await made('--role', role, '--name', role)).secret}\n`);
      const outcome = await key(
        ['create', '--role', 'redeemer', '--name', 'till 7', ...url, '--token-file', file],
        // No file of the service is near.
        { DATA_DIR: directory },
      );
      expect(outcome).toEqual({ code, text: expect.stringMatching(text) });
    }
  });

  it('says in one line why it cannot, with exit code 1', async () => {
    const elsewhere = { DATA_DIR: directory };
    const unused = `http://127.0.0.1:${await freePort()}`;
    const twoLines = join(directory, 'two-lines');
    writeFileSync(twoLines, `> coupon-system@0.1.0 key\n${ADMIN_TOKEN}\n`);
    for (const [args, env, text] of [
      [['list', '--url', unused], { ...elsewhere, ADMIN_TOKEN }, /^http:\S+ does not answer: .*ECONNREFUSED.*\n$/],
      [['list', '--url', unused], elsewhere, /^no token: .*--token-file.*\n$/],
      [['list', '--url', unused, '--token-file', '/nowhere'], elsewhere, /^--token-file: it does not exist\n$/],
      [['list', '--url', unused, '--token-file', twoLines], elsewhere, /^--token-file: it does not hold one token\n$/],
      [['list'], elsewhere, /^DATA_DIR \S+ has no coupon\.sqlite: start the service once\n$/],
      [
        ['list', '--url', `http://127.0.0.1:${port}`],
        { ADMIN_TOKEN: `${ADMIN_TOKEN}x` },
        /answered 401 unauthorized: .*\n$/,
      ],
      [['revoke', '01ARZ3NDEKTSV4RRFFQ69G5FAV'], undefined, /has no key 01ARZ3NDEKTSV4RRFFQ69G5FAV\n$/],
      [
        ['create', '--role', 'viewer', '--name', 'late', '--expires', '2001-01-01T00:00Z'],
        undefined,
        /expires.*(?:in the future)\.?\n$/i,
      ],
    ] as [string[], Record<string, string> | undefined, RegExp][]) {
      expect([args, await key(args, env)]).toEqual([args, { code: 1, text: expect.stringMatching(text) }]);
    }
  });

  it('shows how it is used after a wrong call, with exit code 2', async () => {
    const calls: [string[], RegExp][] = [
      [[], /what to do is missing/],
      [['make'], /make is not known/],
      [['list', 'all'], /all is too much/],
      [['list', '--name', 'x'], /--name is for create/],
      [['create', '--name', 'x'], /--role is one of viewer, operator, admin, issuer, redeemer/],
      [['create', '--role', 'root', '--name', 'x'], /--role is one of/],
      [['create', '--role', 'viewer'], /--name: Must be a name/],
      [['create', '--role', 'viewer', '--name', 'a\tb'], /--name: Must be a name/],
      [['create', '--role', 'viewer', '--name', 'x', '--expires', 'tomorrow'], /--expires: /],
      [['revoke'], /ID: Must be the id of an API key/],
      [['revoke', 'default'], /ID: Must be the id of an API key/],
      [['list', '--url', 'localhost'], /Invalid URL/],
      [['list', '--url', 'ftp://127.0.0.1'], /--url begins with http/],
      [['list', '--url', 'http://kim:hunter2@127.0.0.1'], /^--url must not hold a user or a password\n/],
      [['list', '--token', 'secret'], /Unknown option '--token'/],
    ];
    await Promise.all(
      calls.map(async ([args, text]) => {
        const outcome = await key(args, { DATA_DIR: directory });
        expect([args, outcome]).toEqual([args, { code: 2, text: expect.stringMatching(text) }]);
        expect(outcome.text).toContain('usage: npm run --silent key');
      }),
    );
  });

  it('works on the database while no service runs', async () => {
    expect(await service.end('SIGTERM')).toBe(0);
    const { id, secret } = await made('--role', 'viewer', '--name', 'before the start');
    expect((await key(['list'])).text).toContain(id);
    await start();
    expect(await statusWith(secret)).toBe(200);
    const { items } = (await client.admin('GET', '/api/admin/audit-log?actor=command')).body;
    expect(items[0]).toMatchObject({
      action: 'key.create',
      subject: id,
      actor: { id: 'command', name: 'npm run key' },
      address: null,
    });
  });
});
