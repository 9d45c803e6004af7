import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StartupError } from '../config/startup-error.js';
import { callService, commandToken, refusalIn } from './service-call.js';

const SECRET = `cpn_admin_${'0'.repeat(26)}_${'s'.repeat(43)}`;

describe('the credential of a command', () => {
  let dataDir: string;
  let file: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'coupon-token-'));
    file = join(dataDir, 'key');
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  const config = (adminToken?: string) => ({ dataDir, adminToken });

  it('is what the named file holds, else ADMIN_TOKEN, else what the first start has made', () => {
    expect(commandToken(config())).toBeUndefined();
    writeFileSync(join(dataDir, 'admin-token'), 'made-by-the-first-start\n');
    expect(commandToken(config())).toBe('made-by-the-first-start');
    expect(commandToken(config('from-the-variable'))).toBe('from-the-variable');
    writeFileSync(file, `${SECRET}\n`);
    expect(commandToken(config('from-the-variable'), file)).toBe(SECRET);
  });

  it.each([
    ['two lines', `npm run key\n${SECRET}\n`, /^--token-file: it does not hold one token$/],
    ['two words', `token ${SECRET}`, /^--token-file: it does not hold one token$/],
    ['another alphabet', `${SECRET}비밀`, /^--token-file: it does not hold one token$/],
    ['nothing', ' \n', /^--token-file: it is empty$/],
  ])('is not in a file with %s, and no error shows it', (_what, text, reason) => {
    writeFileSync(file, text);
    expect(() => commandToken(config(), file)).toThrow(StartupError);
    expect(() => commandToken(config(), file)).toThrow(reason);
    writeFileSync(join(dataDir, 'admin-token'), text);
    expect(() => commandToken(config())).toThrow(reason.source.endsWith('empty$') ? /empty$/ : /not hold one token$/);
  });
});

describe('a call of a command', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    server = undefined;
  });

  const serve = async (answer: RequestListener): Promise<string> => {
    server = createServer(answer);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it('is made in English, and shows its credential', async () => {
    const url = await serve(({ headers, url }, response) => response.end(JSON.stringify({ headers, url })));
    const answer = await callService(url, '/api/admin/keys', SECRET);
    expect(await answer.json()).toMatchObject({
      headers: { authorization: `Bearer ${SECRET}`, 'accept-language': 'en' },
      url: '/api/admin/keys',
    });
  });

  it('does not follow a redirect with its credential', async () => {
    const asked: string[] = [];
    const url = await serve(({ url = '' }, response) => {
      asked.push(url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    await expect(callService(url, '/a', SECRET)).rejects.toThrow(`${url} does not answer: unexpected redirect`);
    expect(asked).toEqual(['/a']);
  });

  it.each([
    ['that nobody answers', 'http://127.0.0.1:1', SECRET],
    ['that fetch refuses to make', 'http://127.0.0.1:1', `${SECRET}\n${SECRET}`],
  ])('%s fails in one line, without its credential', async (_what, url, token) => {
    const failure: unknown = await callService(url, '/a', token).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StartupError);
    expect((failure as Error).message).toMatch(/^http:\/\/127\.0\.0\.1:1 does not answer: [^\n]+$/);
    expect((failure as Error).message).not.toContain('sss');
  });

  it('ends when its time is over', async () => {
    const url = await serve(() => undefined);
    await expect(callService(url, '/a', SECRET, { deadlineMs: 1 })).rejects.toThrow('the time is over');
  });

  it('tells why it was refused, and when to try again', async () => {
    const body = JSON.stringify({ code: 'too-many-requests', detail: 'Too many.' });
    const answer = new Response(body, { status: 429, headers: { 'retry-after': '41' } });
    expect((await refusalIn('http://a', answer)).message).toBe(
      'http://a answered 429 too-many-requests: Too many. (try again in 41 s)',
    );
    const errors = [{ pointer: '/name', detail: 'Must be a name.' }];
    const invalid = new Response(JSON.stringify({ code: 'validation-failed', errors }), { status: 400 });
    expect((await refusalIn('http://a', invalid)).message).toBe(
      'http://a answered 400 validation-failed: /name: Must be a name.',
    );
    expect((await refusalIn('http://a', new Response('<html>', { status: 502 }))).message).toBe(
      'http://a answered 502: no reason was given',
    );
  });
});
