import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { decided, exchange, request, text } from '../support/raw-http.js';
import { lastWord, refused } from '../support/refusal.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';
import { until } from '../support/until.js';

let service: Service;
let client: Client;
let port: number;
let campaign: string;

beforeAll(async () => {
  service = await startService();
  client = new Client(service.url);
  port = Number(new URL(service.url).port);
  campaign = await client.createCampaign(10_000);
});
afterAll(async () => {
  expect((await client.audit('default')).gate).toBe(0);
  await service.stop();
});

const BODY = '{"userId":"a"}';
const CHUNKS = `e\r\n${BODY}\r\n0\r\n\r\n`;

/** A claim at `default`, with these header lines, and a claim behind it on the same connection. */
const withLines = (lines: readonly string[], body: string, version = '1.1'): string =>
  ['POST /api/coupons/apply HTTP/' + version, 'Host: x', 'Content-Type: application/json', ...lines, '', body].join(
    '\r\n',
  ) + text('POST /api/coupons/apply', { 'Content-Type': 'application/json' }, '{"userId":"behind"}').toString();

describe('a transfer coding', () => {
  it.each([
    ['Transfer-Encoding: gzip, chunked'],
    ['Transfer-Encoding: deflate,chunked'],
    ['Transfer-Encoding: br , Chunked'],
    ['Transfer-Encoding: identity, chunked'],
    ['Transfer-Encoding: foo;a=b, chunked'],
    ['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'],
    ['transfer-encoding: GZIP', 'TRANSFER-ENCODING: CHUNKED'],
  ])('that is not known, %s, is not implemented', async (...lines) => {
    const { errors } = refused(await lastWord([withLines(lines, CHUNKS)], port), 501, 'not-implemented');
    expect(errors).toMatchObject([{ in: 'header', pointer: '/transfer-encoding' }]);
  });

  it('that is not known is refused on a read as well', async () => {
    const read = text('GET /health/live', { 'Transfer-Encoding': 'gzip, chunked' }, CHUNKS);
    refused(await lastWord([read], port), 501, 'not-implemented');
  });

  // RFC 9112 §6.3: if chunked is not the last coding, the end of the body is not known.
  it.each([
    ['Transfer-Encoding: gzip'],
    ['Transfer-Encoding: identity'],
    ['Transfer-Encoding: xchunked'],
    ['Transfer-Encoding: chunkedx'],
    ['Transfer-Encoding: chunked, gzip'],
    ['Transfer-Encoding: chunked, chunked'],
    ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
    ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
    ['Transfer-Encoding: chunked;foo=bar'],
    ['Transfer-Encoding: "chunked"'],
    ['Transfer-Encoding: chunked,'],
    ['Transfer-Encoding: , chunked'],
    ['Transfer-Encoding: \u000bchunked'],
    ['Transfer-Encoding: chunked\u0000'],
    ['Transfer-Encoding:'],
    ['Transfer-Encoding:', 'Content-Length: 14'],
    ['Transfer-Encoding : chunked'],
    ['Transfer-Encoding: gzip, chunked', 'Content-Length: 14'],
    ['Content-Length: 14', 'Transfer-Encoding: chunked'],
    ['Content-Length: 14', 'Transfer-Encoding: identity'],
  ])('that leaves the end in doubt, %s, is a bad request', async (...lines) => {
    refused(await lastWord([withLines(lines, CHUNKS)], port), 400, 'bad-request');
  });

  it('is a bad request in HTTP/1.0', async () => {
    for (const keepAlive of [[], ['Connection: keep-alive']]) {
      const bytes = withLines(['Transfer-Encoding: chunked', ...keepAlive], CHUNKS, '1.0');
      refused(await lastWord([bytes], port), 400, 'bad-request');
    }
  });

  it('of chunked, however it is spelt, is read', async () => {
    for (const [index, coding] of ['chunked', 'Chunked', 'CHUNKED', '\tchunked'].entries()) {
      const body = JSON.stringify({ userId: `chunked-${index}`, campaignId: campaign });
      const chunks = `${body.length.toString(16).toUpperCase()};ext=1\r\n${body}\r\n0\r\nX-Trailer: a\r\n\r\n`;
      const headers = {
        'Content-Type': 'application/json',
        'Transfer-Encoding': coding,
        'Idempotency-Key': `chunked-${index}`,
      };
      const claim = text('POST /api/coupons/apply', headers, chunks);
      expect((await decided(() => request([claim], { port }))).status).toBe(202);
    }
  });
});

describe('a length', () => {
  it.each([
    ['+14'],
    ['-14'],
    ['014'],
    ['0x0e'],
    ['1 4'],
    ['14.0'],
    ['14,14'],
    ['14, 14'],
    ['1e1'],
    ['"14"'],
    [''],
    ['abc'],
    ['99999999999999999999999'],
  ])('of %j is a bad request', async (length) => {
    refused(await lastWord([withLines([`Content-Length: ${length}`], BODY)], port), 400, 'bad-request');
  });

  it('given twice is a bad request', async () => {
    for (const other of ['14', '0', '15']) {
      const lines = ['Content-Length: 14', `Content-Length: ${other}`];
      refused(await lastWord([withLines(lines, BODY)], port), 400, 'bad-request');
    }
  });
});

describe('a line', () => {
  const framed = (body = BODY) => [`Content-Length: ${body.length}`];
  const lf = (bytes: string, at: string) => bytes.replace(at, at.replace('\r', ''));
  const claim = withLines(framed(), BODY);

  it.each([
    ['of the request that ends with LF alone', lf(claim, 'HTTP/1.1\r\n')],
    ['of a header that ends with LF alone', lf(claim, 'Host: x\r\n')],
    ['that is empty and ends with LF alone', lf(claim, '14\r\n\r\n').replace('14\n\r', '14\r\n')],
    ['of a header that ends with CR alone', claim.replace('Host: x\r\n', 'Host: x\r')],
    ['of a header with CR inside', withLines(['X-A: a\rb', ...framed()], BODY)],
    ['of a header with NUL inside', withLines(['X-A: a\u0000b', ...framed()], BODY)],
    ['of a header that is folded', withLines(['X-A: a', ' b', ...framed()], BODY)],
    ['of a header that is folded with a tab', withLines(['X-A: a', '\tb', ...framed()], BODY)],
    ['of the first header that is folded', claim.replace('Host', ' Host')],
    ['of a header without a colon', withLines(['X-A', ...framed()], BODY)],
    ['of a header without a name', withLines([': a', ...framed()], BODY)],
    ['of a header with a blank before the colon', withLines(['Content-Length : 14'], BODY)],
    ['of a header with a blank in its name', withLines(['X A: a', ...framed()], BODY)],
    ['of the request with a tab', claim.replace('HTTP/1.1', '\tHTTP/1.1')],
    ['of the request with a blank at its end', claim.replace('HTTP/1.1', 'HTTP/1.1 ')],
    ['of the request with a blank before it', ` ${claim}`],
    ['of a chunk that ends with LF alone', withLines(['Transfer-Encoding: chunked'], CHUNKS.replace('e\r\n', 'e\n'))],
    [
      'behind a chunk that ends with LF alone',
      withLines(['Transfer-Encoding: chunked'], CHUNKS.replace('}\r\n', '}\n')),
    ],
    [
      'of the last chunk that ends with LF alone',
      withLines(['Transfer-Encoding: chunked'], CHUNKS.replace('0\r\n', '0\n')),
    ],
    ['of a chunk with a sign', withLines(['Transfer-Encoding: chunked'], `+${CHUNKS}`)],
    ['of a chunk with 0x', withLines(['Transfer-Encoding: chunked'], `0x${CHUNKS}`)],
    ['of a chunk with a blank', withLines(['Transfer-Encoding: chunked'], CHUNKS.replace('e\r\n', 'e \r\n'))],
    ['of a chunk with LF in its extension', withLines(['Transfer-Encoding: chunked'], CHUNKS.replace('e', 'e;a\nb'))],
    ['of a chunk without a size', withLines(['Transfer-Encoding: chunked'], CHUNKS.replace('e', ';a=b'))],
  ])('%s is a bad request, and nothing behind it is read', async (_what, bytes) => {
    refused(await lastWord([bytes], port), 400, 'bad-request');
  });
});

describe('a header', () => {
  const some = (count: number) => Array.from({ length: count }, (_, index) => `a${index % 10}:`);
  /** Host, Content-Type and the framing are added. */
  const own = 3;

  it('is one of 100 at most, whatever it says', async () => {
    const lines = ['Content-Length: 14', 'Content-Encoding: gzip'];
    for (const count of [101, 102, 150, 1_001, 1_500]) {
      const bytes = withLines([...some(count - own - 1), ...lines], BODY);
      refused(await lastWord([bytes], port), 431, 'headers-too-large');
    }
    // It is still seen after 99 others.
    const bytes = withLines([...some(100 - own - 1), ...lines], BODY);
    const alone = bytes.slice(0, bytes.indexOf(BODY) + BODY.length);
    refused(await request([alone], { port }), 415, 'unsupported-media-type');
  });

  it('of 2,000, which Node would cut silently, is refused', async () => {
    const bytes = withLines([...Array<string>(2_000).fill('a:'), 'Content-Length: 14', 'Content-Encoding: gzip'], BODY);
    refused(await lastWord([bytes], port), 431, 'headers-too-large');
  });

  it('behind the body is one of 100 at most', async () => {
    const chunked = (trailers: number, userId: string) => {
      const body = JSON.stringify({ userId, campaignId: campaign });
      const chunks = `${body.length.toString(16)}\r\n${body}\r\n0\r\n${'a:\r\n'.repeat(trailers)}\r\n`;
      const headers = { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked', 'Idempotency-Key': userId };
      return decided(() => request([text('POST /api/coupons/apply', headers, chunks)], { port }));
    };
    expect((await chunked(100, 'trailers-100')).status).toBe(202);
    for (const count of [101, 1_001, 3_000]) refused(await chunked(count, 'trailers'), 431, 'headers-too-large');
    refused(await request([text(`GET /api/campaigns/${campaign}/claims/trailers`)], { port }), 404, 'claim-not-found');
  });

  it.each([
    ['content-type', ['Content-Type: application/json', 'Content-Type: text/plain']],
    ['content-type', ['content-type: application/json', 'CONTENT-TYPE: application/json']],
    ['authorization', ['Authorization: Bearer x', `Authorization: Bearer ${ADMIN_TOKEN}`]],
    ['authorization', [`Authorization: Bearer ${ADMIN_TOKEN}`, 'Accept: */*', 'authorization: Basic x']],
    ['idempotency-key', ['Idempotency-Key: a', 'Idempotency-Key: b']],
    ['idempotency-key', ['Idempotency-Key: a', 'idempotency-key:']],
  ])('%s that has one value is not given twice', async (name, lines) => {
    const head = ['POST /api/admin/campaigns HTTP/1.1', 'Host: x', 'Content-Length: 24', ...lines, '', ''].join('\r\n');
    const { errors } = refused(await lastWord([`${head}{"name":"n","total":100}`], port), 400, 'bad-request');
    expect(errors).toEqual([{ in: 'header', pointer: `/${name}`, detail: '두 번 지정되었습니다.' }]);
  });

  it('that has several values may be given twice', async () => {
    const lines = [
      'Host: x',
      'Accept: a/b',
      'Accept: */*',
      'X-Host: a',
      'X-Host: b',
      'Accept-Language: ko',
      'Accept-Language: en',
    ];
    const bytes = ['GET /health/live HTTP/1.1', ...lines, '', ''].join('\r\n');
    expect((await request([bytes], { port })).status).toBe(200);
  });
});

describe('a caller that has closed its half of the connection', () => {
  const claim = (userId: string) =>
    text(
      'POST /api/coupons/apply',
      { 'Content-Type': 'application/json' },
      JSON.stringify({ userId, campaignId: campaign }),
    );
  /** With other users as long as a claim is refused for now, as on a machine that stalls. */
  const ask = (requestsOf: (round: number) => Buffer[]) => {
    let round = 0;
    return until('claims that are decided', async () => {
      const asked = await exchange([Buffer.concat(requestsOf(round++))], { port, halfClose: true });
      return asked.responses.some(({ status }) => status === 503) ? null : asked;
    });
  };

  it('gets the answer that it has a coupon', async () => {
    const { responses, closed } = await ask((round) => [claim(`half-closed-${round}`)]);
    expect([responses.map(({ status }) => status), closed]).toEqual([[202], true]);
    const path = responses[0]?.headers.location ?? '';
    expect(path).toMatch(new RegExp(`^/api/campaigns/${campaign}/claims/half-closed-\\d+$`));
    await eventually(async () => expect((await client.get(path)).body.status).toBe('ISSUED'));
  });

  it('gets every answer, in order', async () => {
    const { responses, closed } = await ask((round) => {
      const [one, two] = [`one-${round}`, `two-${round}`];
      return [claim(one), text('GET /health/live'), claim(one), claim(two)];
    });
    expect([responses.map(({ status }) => status), closed]).toEqual([[202, 200, 409, 202], true]);
  });
});
