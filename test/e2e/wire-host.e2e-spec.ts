import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { exchange, request } from '../support/raw-http.js';
import { lastWord, refused } from '../support/refusal.js';
import { type Service, startService } from '../support/service.js';

const LIVE = '/health/live';
const BODY = '{"userId":"a"}';

let service: Service;
let port: number;

beforeAll(async () => {
  // Its subject is what leads nowhere. With the pages, / leads to one.
  service = await startService({ PAGES: 'off' });
  port = Number(new URL(service.url).port);
});
afterAll(async () => {
  expect((await new Client(service.url).audit('default')).gate).toBe(0);
  await service.stop();
});

/** Two requests with these lines after the request line: a read and a claim. */
const withLines = (version: string, ...lines: string[]): string[] => {
  const framing = ['Content-Type: application/json', `Content-Length: ${BODY.length}`];
  return [
    `GET ${LIVE} HTTP/${version}\r\n${[...lines, '', ''].join('\r\n')}`,
    `POST /api/coupons/apply HTTP/${version}\r\n${[...lines, ...framing, '', BODY].join('\r\n')}`,
  ];
};

describe('a host', () => {
  it.each([
    ['none', []],
    ['an empty one', ['Host:']],
    ['a blank one', ['Host:  \t ']],
    ['two', ['Host: a', 'Host: b']],
    ['the same one twice', ['Host: a', 'Host: a']],
    ['two in different case', ['host: a', 'HOST: a']],
    ['two, one of them empty', ['Host: a', 'Host:']],
    ['two apart', ['Host: a', 'Accept: */*', 'Host: a']],
    ['a list', ['Host: a, b']],
    ['a path', ['Host: a/b']],
    ['a scheme', ['Host: http://a']],
    ['a user', ['Host: user@a']],
    ['a blank inside', ['Host: a b']],
    ['a port that is none', ['Host: a:http']],
    ['a port above all ports', ['Host: a:65536']],
    ['two ports', ['Host: a:1:2']],
    ['a port alone', ['Host: :80']],
    ['IPv6 without brackets', ['Host: ::1']],
    ['IPv6 that is none', ['Host: [1::2::3]']],
    ['an open bracket', ['Host: [::1']],
    ['a broken escape', ['Host: a%z']],
    ['markup', ['Host: <script>']],
  ])('of %s is refused', async (_what, lines) => {
    for (const bytes of withLines('1.1', ...lines)) {
      const { errors } = refused(await lastWord([bytes], port), 400, 'bad-request');
      expect(errors).toEqual([{ in: 'header', pointer: '/host', detail: expect.stringMatching(/[가-힣]/) }]);
    }
    // HTTP/1.0 has no Host, but if one comes, it is checked.
    const [old = ''] = withLines('1.0', ...lines);
    const answer = await request([old], { port });
    if (lines.length === 0) expect(answer.status).toBe(200);
    else refused(answer, 400, 'bad-request');
  });

  it.each([
    'localhost',
    'EXAMPLE.com:8080',
    '127.0.0.1:3000',
    '[::1]',
    '[2001:db8::1]:443',
    'a_b',
    'example.com.',
    'a:',
  ])('may be %s', async (host) => {
    const [bytes = ''] = withLines('1.1', `hOST: ${host}\t`);
    expect((await request([bytes], { port })).status).toBe(200);
  });

  it('that is bad ends the connection before a request that hides behind it', async () => {
    const [first = ''] = withLines('1.1', 'Host: a', 'Host: b');
    const [, second = ''] = withLines('1.1', 'Host: a');
    refused(await lastWord([first + second], port), 400, 'bad-request');
  });
});

describe('a target with scheme and host', () => {
  const get = (target: string) => request([`GET ${target} HTTP/1.1\r\nHost: other.example\r\n\r\n`], { port });

  it.each([
    `http://example.com${LIVE}`,
    `HTTP://EXAMPLE.com:80${LIVE}`,
    `https://example.com${LIVE}`,
    `http://[::1]:3000${LIVE}`,
    `http://example.com${LIVE}/?x=1`,
  ])('%s is the path in it', async (target) => {
    expect((await get(target)).status).toBe(200);
  });

  it('is a claim as without', async () => {
    const bytes = `POST http://example.com/api/coupons/apply HTTP/1.1\r\nHost: example.com\r\nContent-Length: 0\r\n\r\n`;
    const { instance } = refused(await request([bytes], { port }), 400, 'validation-failed');
    expect(instance).toBe('/api/coupons/apply');
  });

  it.each([
    ['http://example.com', '/'],
    ['http://example.com?x=/health/live', '/'],
    ['http://example.com//health/live', '//health/live'],
    ['http://example.com/nowhere?token=secret', '/nowhere'],
  ])('%s leads nowhere', async (target, instance) => {
    const answer = await get(target);
    expect(refused(answer, 404, 'not-found').instance).toBe(instance);
    expect(answer.body).not.toContain('secret');
  });

  it.each([
    `http://${LIVE}`,
    `http://user@example.com${LIVE}`,
    `http://example.com:port${LIVE}`,
    `http://a,b/../c${LIVE}`,
    `http://[::1${LIVE}`,
    `ftp://example.com${LIVE}`,
    `http://example.com/docs/..${LIVE}`,
    `http://example.com${LIVE}#x`,
    `example.com${LIVE}`,
  ])('%s is refused', async (target) => {
    refused(await get(target), 400, 'bad-request');
  });

  it('needs a Host beside it', async () => {
    refused(await lastWord([`GET http://example.com${LIVE} HTTP/1.1\r\n\r\n`], port), 400, 'bad-request');
  });
});

describe('a version', () => {
  it.each(['HTTP/2.0', ''])('%s is not spoken', async (version) => {
    const line = `GET ${LIVE} ${version}`.trim();
    refused(await lastWord([`${line}\r\nHost: x\r\n\r\n`], port), 505, 'http-version-not-supported');
  });

  it.each(['HTTP/1.2', 'HTTP/3.0', 'HTTP/1.10', 'http/1.1', 'HTTPS/1.1', 'HTTP/1'])(
    '%s is no HTTP',
    async (version) => {
      refused(await lastWord([`GET ${LIVE} ${version}\r\nHost: x\r\n\r\n`], port), 400, 'bad-request');
    },
  );

  it('of HTTP/2 without being asked for is answered in HTTP/1.1, and the connection ends', async () => {
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0', 'latin1');
    refused(await lastWord([preface], port), 400, 'bad-request');
  });

  it('HTTP/1.0 is answered, and the connection ends unless it is asked to stay', async () => {
    const old = `GET ${LIVE} HTTP/1.0\r\n`;
    const once = await exchange([`${old}\r\n`], { port });
    expect([once.responses.map(({ status }) => status), once.closed]).toEqual([[200], true]);
    const twice = await exchange([`${old}Connection: keep-alive\r\n\r\n`.repeat(2)], { port, answers: 2 });
    expect(twice.responses.map(({ status }) => status)).toEqual([200, 200]);
  });
});
