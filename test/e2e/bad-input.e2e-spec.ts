import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ClaimLog, ClaimLogUnavailableError } from '../../src/events/claim-log.js';
import { GateTimeoutError, GateUnavailableError, IssuanceGate } from '../../src/gate/issuance-gate.js';
import { createFastifyAdapter } from '../../src/http/fastify.js';
import { DatabaseError } from '../../src/persistence/database-error.js';
import { Database } from '../../src/persistence/database.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { exchange, request, type RawResponse, text } from '../support/raw-http.js';
import { lastWord, type ProblemBody, refused } from '../support/refusal.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';

interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

const HOUR = 3_600_000;
const at = (offset: number) => new Date(Date.now() + offset).toISOString();

const APPLY = '/api/coupons/apply';
const JSON_TYPE = { 'Content-Type': 'application/json' };
const TOKEN = { Authorization: `Bearer ${ADMIN_TOKEN}` };
const WAIT_FOR_HEADERS_MS = 300;
const WAIT_FOR_BODY_MS = 600;

/** Every answer of a route, for the comparison with the OpenAPI document. */
const seen: {
  method: string;
  path: string;
  status: number;
  code: string | undefined;
  headers: RawResponse['headers'];
}[] = [];

let service: Service;
let client: Client;
let port: number;

beforeAll(async () => {
  service = await startService();
  client = new Client(service.url);
  port = Number(new URL(service.url).port);
});
afterAll(() => service.stop());

/** Slots of `default` that are taken: compared after each test, so that only the one that took a slot fails. */
let taken = 0;

/** Whatever a test sends: the campaign that is claimed when none is named stays as it was. */
afterEach(async () => {
  const before = taken;
  taken = (await client.audit('default')).gate;
  expect(taken).toBe(before);
});

function note(method: string, path: string, { status, headers, body }: RawResponse): void {
  const code = /"code":"([^"]+)"/.exec(body)?.[1];
  seen.push({ method, path: path.split('?')[0] ?? '', status, code: status < 400 ? undefined : code, headers });
}

async function send(method: string, path: string, call: Call = {}): Promise<RawResponse> {
  const response = await request([text(`${method} ${path}`, call.headers, call.body)], { port });
  note(method, path, response);
  return response;
}

const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  send('POST', path, { headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) });

/** Expects the refusal of a request that was understood as far as its path. */
function refusedAt(path: string, response: RawResponse, status: number, code: string): ProblemBody {
  const body = refused(response, status, code);
  expect(body.instance).toBe(path.split('?')[0]);
  return body;
}

/** Expects validation-failed, and the pointers of what is wrong. */
function invalid(path: string, response: RawResponse, pointers: string[], part = 'body'): void {
  const { errors } = refusedAt(path, response, 400, 'validation-failed');
  expect(errors.map((error: { pointer: string }) => error.pointer)).toEqual(pointers);
  for (const error of errors) expect(error).toMatchObject({ in: part, detail: expect.stringMatching(/[가-힣]/) });
}

describe('a body', () => {
  const apply = (body: string | Buffer, headers: Record<string, string> = JSON_TYPE) =>
    send('POST', APPLY, { headers, body });

  it.each<[string, string | Buffer]>([
    ['cut off', '{"userId":"a"'],
    ['in single quotes', "{'userId':'a'}"],
    ['of a form', 'userId=a'],
    ['with a comma too many', '{"userId":"a",}'],
    ['with a comment', '{"userId":"a"}//'],
    ['with a second value behind it', '{"userId":"a"}{"userId":"b"}'],
    ['with NaN', '{"userId":NaN}'],
    ['with a raw line break in a text', '{"userId":"a\nb"}'],
    ['with a byte order mark', '\ufeff{"userId":"a"}'],
    ['in UTF-16', Buffer.from('{"userId":"a"}', 'utf16le')],
    ['with a byte that is not UTF-8', Buffer.from('{"userId":"a\xff"}', 'latin1')],
    ['with an overlong UTF-8 sequence', Buffer.from('{"userId":"\xc1\xa1"}', 'latin1')],
    ['with half a surrogate pair in UTF-8', Buffer.from('{"userId":"\xed\xa0\x80"}', 'latin1')],
    ['of blanks alone', '   '],
  ])('%s is malformed JSON', async (_what, body) => {
    refusedAt(APPLY, await apply(body), 400, 'malformed-json');
  });

  it.each(['[]', '[{"userId":"a"}]', '"a"', '1', 'true', 'null'])('of %s is not an object', async (body) => {
    invalid(APPLY, await apply(body), ['']);
  });

  it('that is missing fails the validation, with and without a content type', async () => {
    invalid(APPLY, await send('POST', APPLY), ['']);
    invalid(APPLY, await apply(''), ['']);
    invalid(APPLY, await apply('', {}), ['']);
    invalid(APPLY, await apply('0\r\n\r\n', { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' }), ['']);
  });

  it.each<[string, string, string[]]>([
    ['a property that nobody knows', '{"userId":"a","admin":true}', ['/admin']],
    ['several of them', '{"userId":"a","x":1,"y":2}', ['/x', '/y']],
    ['a property in the wrong case', '{"userId":"a","userID":"b"}', ['/userID']],
    ['a property whose name needs escaping', '{"userId":"a","x/y~z":1}', ['/x~1y~0z']],
    ['__proto__', '{"userId":"a","__proto__":{"campaignId":"x"}}', ['/__proto__']],
    ['__proto__ behind an escape', '{"userId":"a","\\u005f_proto__":{}}', ['/__proto__']],
    ['constructor', '{"userId":"a","constructor":{"prototype":{}}}', ['/constructor']],
  ])('with %s is refused', async (_what, body, pointers) => {
    invalid(APPLY, await apply(body), pointers);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/problem+json',
    'application/json-patch+json',
    'application/jsonx',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    'application/json; charset=utf-8; charset=utf-16',
    'text/plain; application/json',
    '*/*',
    'json',
    '',
  ])('of the content type %j is not read', async (type) => {
    refusedAt(APPLY, await apply('{"userId":"a"}', { 'Content-Type': type }), 415, 'unsupported-media-type');
  });

  it('without a content type is not read', async () => {
    refusedAt(APPLY, await apply('{"userId":"a"}', {}), 415, 'unsupported-media-type');
  });

  it.each(['gzip', 'br', 'deflate', 'identity', 'utf-8', ''])(
    'with the content encoding %j is not read',
    async (encoding) => {
      const headers = { ...JSON_TYPE, 'Content-Encoding': encoding };
      refusedAt(APPLY, await apply('{"userId":"a"}', headers), 415, 'unsupported-media-type');
    },
  );

  it('over 4 KB is refused, whether it is declared, sent in chunks or only announced', async () => {
    const body = `{"userId":"a"}${' '.repeat(4_083)}`;
    expect(Buffer.byteLength(body)).toBe(4_097);
    refusedAt(APPLY, await apply(body), 413, 'payload-too-large');
    const chunked = { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' };
    const half = `${(2_049).toString(16)}\r\n${' '.repeat(2_049)}\r\n`;
    refusedAt(APPLY, await apply(`${half}${half}0\r\n\r\n`, chunked), 413, 'payload-too-large');
    refusedAt(APPLY, await apply(`{`, { ...JSON_TYPE, 'Content-Length': '4097' }), 413, 'payload-too-large');
    refusedAt(APPLY, await apply(`{`, { ...JSON_TYPE, 'Content-Length': '99999999999' }), 413, 'payload-too-large');
  });

  it('of exactly 4 KB is read', async () => {
    invalid(APPLY, await apply(`{"userId":""}${' '.repeat(4_083)}`), ['/userId']);
  });
});

describe('a user id', () => {
  it.each([
    ['missing', {}],
    ['empty', { userId: '' }],
    ['of 65 characters', { userId: 'u'.repeat(65) }],
    ['with a space', { userId: 'a b' }],
    ['with a space at its end', { userId: 'alice ' }],
    ['with an accent', { userId: 'álice' }],
    ['in Korean', { userId: '사용자' }],
    ['in full-width letters', { userId: 'ａｌｉｃｅ' }],
    ['with an emoji', { userId: '🎟' }],
    ['with a NUL', { userId: 'a\u0000' }],
    ['with a line break', { userId: 'a\n' }],
    ['with a slash', { userId: 'a/b' }],
    ['with a colon', { userId: 'a:b' }],
    ['with a brace', { userId: '{a}' }],
    ['with a quote', { userId: "a'--" }],
    ['negative', { userId: -1 }],
    ['fractional', { userId: 1.5 }],
    ['of 2^53', { userId: 2 ** 53 }],
    ['of 10^300', { userId: 1e300 }],
    ['true', { userId: true }],
    ['false', { userId: false }],
    ['null', { userId: null }],
    ['an array', { userId: ['a'] }],
    ['an object', { userId: { a: 1 } }],
  ])('%s is refused', async (_what, body) => {
    invalid(APPLY, await post(APPLY, body), ['/userId']);
  });

  it('beyond every number is refused', async () => {
    const response = await send('POST', APPLY, { headers: JSON_TYPE, body: '{"userId":1e999}' });
    invalid(APPLY, response, ['/userId']);
  });

  it.each(['a%20b', 'u'.repeat(65), '%EC%82%AC', '%00', 'a.b', 'a;b', 'a%3Bb'])(
    'in a path is refused as %s',
    async (user) => {
      const coupons = `/api/users/${user}/coupons`;
      invalid(coupons, await send('GET', coupons), ['/userId'], 'path');
      const claim = `/api/campaigns/default/claims/${user}`;
      invalid(claim, await send('GET', claim), ['/userId'], 'path');
    },
  );
});

describe('a campaign id', () => {
  const malformed = ['', 'c'.repeat(27), 'a b', 'a_b', '__proto__', 'a/b', 'a.b', '한', '{x}'];

  it.each([...malformed, 5, true, null, ['default'], {}])('%j is refused', async (campaignId) => {
    invalid(APPLY, await post(APPLY, { userId: 'a', campaignId }), ['/campaignId']);
  });

  // An escaped slash is refused before it can be taken for a part of an id.
  it.each(malformed.filter((id) => id !== '' && id !== 'a/b'))('in a path is refused as %j', async (id) => {
    for (const [method, path, headers] of [
      ['GET', `/api/campaigns/${encodeURIComponent(id)}`, {}],
      ['GET', `/api/campaigns/${encodeURIComponent(id)}/claims/a`, {}],
      ['GET', `/api/admin/campaigns/${encodeURIComponent(id)}/audit`, TOKEN],
      ['POST', `/api/admin/campaigns/${encodeURIComponent(id)}/pause`, TOKEN],
    ] as const) {
      invalid(path, await send(method, path, { headers }), ['/campaignId'], 'path');
    }
  });

  it.each(['nothing', 'DEFAULT', 'Default', 'constructor', 'toString', '01ARZ3NDEKTSV4RRFFQ69G5FAV'])(
    'that nobody knows, such as %s, is not found',
    async (id) => {
      refusedAt(APPLY, await post(APPLY, { userId: 'a', campaignId: id }), 404, 'campaign-not-found');
      for (const path of [`/api/campaigns/${id}`, `/api/campaigns/${id}/claims/a`]) {
        refusedAt(path, await send('GET', path), 404, 'campaign-not-found');
      }
      const admin = `/api/admin/campaigns/${id}`;
      refusedAt(`${admin}/audit`, await send('GET', `${admin}/audit`, { headers: TOKEN }), 404, 'campaign-not-found');
      for (const action of ['pause', 'resume', 'close']) {
        const path = `${admin}/${action}`;
        refusedAt(path, await send('POST', path, { headers: TOKEN }), 404, 'campaign-not-found');
      }
      const patched = await send('PATCH', admin, {
        headers: { ...TOKEN, ...JSON_TYPE, 'If-Match': '*' },
        body: '{"total":1}',
      });
      refusedAt(admin, patched, 404, 'campaign-not-found');
    },
  );
});

describe('a path', () => {
  it.each([
    '/',
    '/api',
    '/api/coupons',
    '/api/coupons/apply//',
    '/api/coupons/apply/more',
    '/API/coupons/apply',
    '//api/coupons/apply',
    '/api/campaigns//',
    '/api/campaigns//claims/a',
    '/api/campaigns/default/claims',
    '/api/campaigns/default/claims/',
    '/api/campaigns/default/claims//',
    '/api/admin',
    '/api/admin/campaigns/default/open',
    '/.env',
    '/__proto__',
    '/constructor',
    '/health',
    '/favicon.ico',
  ])('%s is nowhere', async (path) => {
    refusedAt(path, await send('GET', path), 404, 'not-found');
    refusedAt(path, await post(path, { userId: 'a' }), 404, 'not-found');
  });

  it.each([
    ['GET', APPLY, 'POST'],
    ['PUT', APPLY, 'POST'],
    ['PATCH', APPLY, 'POST'],
    ['DELETE', APPLY, 'POST'],
    ['OPTIONS', APPLY, 'POST'],
    ['POST', '/api/campaigns', 'GET, HEAD'],
    ['DELETE', '/api/campaigns/default', 'GET, HEAD'],
    ['POST', '/api/campaigns/default/claims/a', 'GET, HEAD'],
    ['DELETE', '/api/users/a/coupons', 'GET, HEAD'],
    ['GET', '/api/admin/campaigns', 'POST'],
    ['DELETE', '/api/admin/campaigns/default', 'PATCH'],
    ['GET', '/api/admin/campaigns/default/close', 'POST'],
    ['PUT', '/api/admin/campaigns/default/audit', 'GET, HEAD'],
    ['POST', '/api/admin/failed-events', 'GET, HEAD'],
    ['GET', '/api/admin/failed-events/1/discard', 'POST'],
    ['POST', '/health/live', 'GET, HEAD'],
    ['DELETE', '/health/ready', 'GET, HEAD'],
    ['PUT', '/metrics', 'GET, HEAD'],
  ])('does not answer %s %s, and says what it answers', async (method, path, allow) => {
    const response = await send(method, path, method === 'GET' ? {} : { headers: JSON_TYPE, body: '{"userId":"a"}' });
    refusedAt(path, response, 405, 'method-not-allowed');
    expect(response.headers.allow).toBe(allow);
  });

  it.each(['/api/users/%ZZ/coupons', '/%', '/api/campaigns/%C3%28', '/api/campaigns/%E0%80%80'])(
    'that cannot be decoded, such as %s, is a bad request',
    async (path) => {
      refusedAt(path, await send('GET', path), 400, 'bad-request');
    },
  );

  it('is repeated without its query, which may hold a secret', async () => {
    const response = await send('GET', '/nowhere?token=very-secret');
    expect(refused(response, 404, 'not-found').instance).toBe('/nowhere');
    expect(response.body).not.toContain('secret');
  });

  it('answers HEAD as GET, without a body', async () => {
    for (const [path, status] of [
      ['/api/campaigns', 200],
      ['/api/campaigns/default', 200],
      ['/health/live', 200],
      ['/health/ready', 200],
      ['/metrics', 200],
      ['/docs-json', 200],
      ['/api/campaigns/nothing', 404],
      ['/nowhere', 404],
      [APPLY, 405],
    ] as const) {
      const response = await fetch(new URL(path, service.url), { method: 'HEAD' });
      expect([path, response.status, await response.text()]).toEqual([path, status, '']);
      if (status >= 400) expect(response.headers.get('content-type')).toBe('application/problem+json');
      if (status === 405) expect(response.headers.get('allow')).toBe('POST');
    }
  });
});

describe('a claim', () => {
  let own: string;
  const claim = (userId: string, headers: Record<string, string> = {}) =>
    post(APPLY, { userId, campaignId: own }, headers);
  const settled = (rows: number) =>
    eventually(async () => {
      expect(await client.audit(own)).toMatchObject({ gate: rows, pending: 0, issued: rows, rows, drift: 0 });
    });

  it('before the start is told when that is', async () => {
    const startsAt = at(HOUR);
    own = await client.createCampaign(5, { startsAt });
    expect(refusedAt(APPLY, await claim('a'), 409, 'campaign-not-started').startsAt).toBe(startsAt);
    await settled(0);
  });

  it('after the end is refused', async () => {
    own = await client.createCampaign(5, { startsAt: at(-2 * HOUR), endsAt: at(HOUR) });
    const path = `/api/admin/campaigns/${own}`;
    await client.admin('PATCH', path, { body: { endsAt: at(-HOUR) }, ifMatch: '*' });
    refusedAt(APPLY, await claim('a'), 409, 'campaign-ended');
    await settled(0);
  });

  it.each([
    ['pause', 'campaign-paused'],
    ['close', 'campaign-closed'],
  ])('after a %s is refused', async (action, code) => {
    own = await client.createCampaign(5);
    await client.admin('POST', `/api/admin/campaigns/${own}/${action}`);
    refusedAt(APPLY, await claim('a'), 409, code);
    await settled(0);
  });

  it('is refused when all are taken, and shown when it is the user’s second', async () => {
    own = await client.createCampaign(1);
    const first = await claim('a');
    expect(first.status).toBe(202);
    expect(refusedAt(APPLY, await claim('b'), 409, 'sold-out').claim).toBeUndefined();
    const second = await claim('a');
    const { claimId, sequence, claimedAt } = JSON.parse(first.body) as ProblemBody;
    const expected = { claimId, campaignId: own, sequence, claimedAt };
    expect(refusedAt(APPLY, second, 409, 'already-claimed').claim).toEqual(expected);
    expect(second.headers.location).toBe(`/api/campaigns/${own}/claims/a`);
    await settled(1);
  });

  it('may come from users whose names mean something to JavaScript', async () => {
    const users = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '-', '_', '0'];
    own = await client.createCampaign(users.length);
    for (const user of users) {
      expect([user, (await claim(user)).status]).toEqual([user, 202]);
      refusedAt(APPLY, await claim(user), 409, 'already-claimed');
    }
    await settled(users.length);
    for (const user of users) {
      expect((await client.get(`/api/campaigns/${own}/claims/${user}`)).body.status).toBe('ISSUED');
    }
  });

  it.each(['', 'x'.repeat(256), 'é', 'a\tb'])('with the idempotency key %j is refused', async (key) => {
    own = await client.createCampaign(1);
    refusedAt(APPLY, await claim('a', { 'Idempotency-Key': key }), 400, 'invalid-idempotency-key');
    await settled(0);
  });

  it.each(['x'.repeat(255), '~', '"a b"'])('with the idempotency key %j is taken', async (key) => {
    own = await client.createCampaign(1);
    const first = await claim('a', { 'Idempotency-Key': key });
    const again = await claim('a', { 'Idempotency-Key': key });
    expect([first.status, again.status, again.headers['idempotent-replayed']]).toEqual([202, 202, 'true']);
    expect(again.body).toBe(first.body);
    await settled(1);
  });

  it('that nobody made is not found', async () => {
    own = await client.createCampaign(1);
    const path = `/api/campaigns/${own}/claims/a`;
    refusedAt(path, await send('GET', path), 404, 'claim-not-found');
  });
});

describe('an admin call', () => {
  let campaign: string;
  beforeAll(async () => {
    campaign = await client.createCampaign(10);
  });

  const calls = (): [string, string, string?][] => [
    ['POST', '/api/admin/campaigns', '{"name":"n","total":1}'],
    ['PATCH', `/api/admin/campaigns/${campaign}`, '{"total":1}'],
    ['POST', `/api/admin/campaigns/${campaign}/pause`],
    ['POST', `/api/admin/campaigns/${campaign}/resume`],
    ['POST', `/api/admin/campaigns/${campaign}/close`],
    ['GET', `/api/admin/campaigns/${campaign}/audit`],
    ['GET', '/api/admin/failed-events'],
    ['POST', '/api/admin/failed-events/1/requeue'],
    ['POST', '/api/admin/failed-events/1/discard', '{"reason":"r"}'],
  ];

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer wrong',
    `Bearer ${ADMIN_TOKEN}x`,
    `Bearer ${ADMIN_TOKEN.slice(0, -1)}`,
    `Bearer ${ADMIN_TOKEN.toUpperCase()}`,
    `Bearer x, Bearer ${ADMIN_TOKEN}`,
    `Basic ${Buffer.from(`admin:${ADMIN_TOKEN}`).toString('base64')}`,
    ADMIN_TOKEN,
  ])('with the credentials %j is refused everywhere', async (authorization) => {
    const credentials: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
    for (const [method, path, body] of calls()) {
      const headers = { ...credentials, 'If-Match': '*', ...(body === undefined ? {} : JSON_TYPE) };
      const response = await send(method, path, { headers, ...(body === undefined ? {} : { body }) });
      refusedAt(path, response, 401, 'unauthorized');
      expect(response.headers['www-authenticate']).toMatch(/^Bearer realm=/);
    }
    expect((await client.get(`/api/campaigns/${campaign}`)).body).toMatchObject({ state: 'OPEN', version: 1 });
  });

  it('for the codes of a user needs the right token, if any', async () => {
    const path = '/api/users/a/coupons';
    const response = await send('GET', path, { headers: { Authorization: 'Bearer wrong' } });
    refusedAt(path, response, 401, 'unauthorized');
    expect((await send('GET', path)).status).toBe(200);
  });

  it('without a token learns nothing about what is wrong with its body', async () => {
    const response = await post('/api/admin/campaigns', { total: 0 });
    expect(refused(response, 401, 'unauthorized').errors).toBeUndefined();
  });

  describe('with a body', () => {
    const wrong: [string, Record<string, unknown>, string][] = [
      ['total 0', { total: 0 }, '/total'],
      ['total -1', { total: -1 }, '/total'],
      ['total 1.5', { total: 1.5 }, '/total'],
      ['total "100"', { total: '100' }, '/total'],
      ['total over ten million', { total: 10_000_001 }, '/total'],
      ['total 2^53', { total: 2 ** 53 }, '/total'],
      ['total null', { total: null }, '/total'],
      ['total true', { total: true }, '/total'],
      ['an end before the start', { startsAt: at(HOUR), endsAt: at(0) }, '/endsAt'],
      ['an end at the start', { startsAt: '2099-01-01T00:00:00Z', endsAt: '2099-01-01T09:00:00+09:00' }, '/endsAt'],
      ['30 February', { startsAt: '2026-02-30T00:00:00Z' }, '/startsAt'],
      ['29 February of a common year', { startsAt: '2027-02-29T00:00:00Z' }, '/startsAt'],
      ['month 13', { startsAt: '2026-13-01T00:00:00Z' }, '/startsAt'],
      ['hour 25', { endsAt: '2099-01-01T25:00:00Z' }, '/endsAt'],
      ['no time zone', { startsAt: '2026-03-01T00:00:00' }, '/startsAt'],
      ['a day alone', { startsAt: '2026-03-01' }, '/startsAt'],
      ['a number as an instant', { startsAt: 1_800_000_000_000 }, '/startsAt'],
      ['a year before 1970', { startsAt: '1969-12-31T23:59:59Z' }, '/startsAt'],
      ['an empty name', { name: '' }, '/name'],
      ['a blank name', { name: '   ' }, '/name'],
      ['a name of 201 characters', { name: '가'.repeat(201) }, '/name'],
      ['a control character', { name: 'a\u0007b' }, '/name'],
      ['a line break', { name: 'a\nb' }, '/name'],
      ['a bidirectional character', { name: 'a\u202eb' }, '/name'],
      ['a bidirectional isolate', { name: 'a\u2067b' }, '/name'],
      ['nothing to see', { name: '\u200b\u3164' }, '/name'],
      ['a hidden message', { name: `sale${String.fromCodePoint(0xe0041, 0xe0042)}` }, '/name'],
      ['half a surrogate pair', { name: 'a\ud800' }, '/name'],
      ['a number as its name', { name: 5 }, '/name'],
      ['null as its name', { name: null }, '/name'],
      ['a property that nobody knows', { state: 'CLOSED' }, '/state'],
      ['an id', { id: 'mine' }, '/id'],
      ['a counter', { issued: 5 }, '/issued'],
    ];

    it.each(wrong)('of %s makes no campaign and changes none', async (_what, change, pointer) => {
      const made = await post('/api/admin/campaigns', { name: 'n', total: 1, ...change }, TOKEN);
      invalid('/api/admin/campaigns', made, [pointer]);
      const path = `/api/admin/campaigns/${campaign}`;
      const headers = { ...TOKEN, ...JSON_TYPE, 'If-Match': '*' };
      invalid(path, await send('PATCH', path, { headers, body: JSON.stringify(change) }), [pointer]);
      expect((await client.get(`/api/campaigns/${campaign}`)).body).toMatchObject({ total: 10, version: 1 });
    });

    it('without what is needed is refused', async () => {
      const path = '/api/admin/campaigns';
      invalid(path, await post(path, {}, TOKEN), ['/name', '/total']);
      invalid(path, await post(path, [], TOKEN), ['']);
      invalid(path, await send('POST', path, { headers: TOKEN }), ['']);
      const change = `/api/admin/campaigns/${campaign}`;
      const headers = { ...TOKEN, ...JSON_TYPE, 'If-Match': '*' };
      invalid(change, await send('PATCH', change, { headers, body: '{}' }), ['']);
      invalid(change, await send('PATCH', change, { headers, body: 'null' }), ['']);
    });

    it('that ends in the past makes no campaign that starts now', async () => {
      const path = '/api/admin/campaigns';
      invalid(path, await post(path, { name: 'n', total: 1, endsAt: at(-HOUR) }, TOKEN), ['/endsAt']);
    });

    it.each(['{}', '[]', 'null', '""', '0', 'false'])('of %s is too much for pause, resume and close', async (body) => {
      for (const action of ['pause', 'resume', 'close']) {
        const path = `/api/admin/campaigns/${campaign}/${action}`;
        invalid(path, await send('POST', path, { headers: { ...TOKEN, ...JSON_TYPE }, body }), ['']);
      }
      expect((await client.get(`/api/campaigns/${campaign}`)).body).toMatchObject({ state: 'OPEN', version: 1 });
    });

    it('of another type, malformed or too large is refused like anywhere else', async () => {
      for (const [method, path] of [
        ['POST', '/api/admin/campaigns'],
        ['PATCH', `/api/admin/campaigns/${campaign}`],
        ['POST', `/api/admin/campaigns/${campaign}/close`],
        ['POST', '/api/admin/failed-events/1/requeue'],
        ['POST', '/api/admin/failed-events/1/discard'],
      ] as const) {
        const headers = { ...TOKEN, 'If-Match': '*' };
        const json = { ...headers, ...JSON_TYPE };
        refusedAt(path, await send(method, path, { headers: json, body: '{' }), 400, 'malformed-json');
        const text = { headers: { ...headers, 'Content-Type': 'text/plain' }, body: 'x' };
        refusedAt(path, await send(method, path, text), 415, 'unsupported-media-type');
        refusedAt(path, await send(method, path, { headers: json, body: ' '.repeat(4_097) }), 413, 'payload-too-large');
      }
    });
  });

  describe('with If-Match', () => {
    const patch = (condition: string | undefined) => {
      const headers = { ...TOKEN, ...JSON_TYPE, ...(condition === undefined ? {} : { 'If-Match': condition }) };
      return send('PATCH', `/api/admin/campaigns/${campaign}`, { headers, body: '{"name":"renamed"}' });
    };

    it.each<[string, string | undefined, number, string]>([
      ['missing', undefined, 428, 'precondition-required'],
      ['stale', '"0"', 412, 'precondition-failed'],
      ['of the future', '"2"', 412, 'precondition-failed'],
      ['weak', 'W/"1"', 412, 'precondition-failed'],
      ['of another spelling', '"01"', 412, 'precondition-failed'],
      ['empty', '', 400, 'invalid-if-match'],
      ['without quotes', '1', 400, 'invalid-if-match'],
      ['with one quote', '"1', 400, 'invalid-if-match'],
      ['without a comma', '"1" "2"', 400, 'invalid-if-match'],
      ['of * among others', '"1", *', 400, 'invalid-if-match'],
      ['of a weak tag in lower case', 'w/"1"', 400, 'invalid-if-match'],
    ])('%s changes nothing', async (_what, condition, status, code) => {
      refusedAt(`/api/admin/campaigns/${campaign}`, await patch(condition), status, code);
      expect((await client.get(`/api/campaigns/${campaign}`)).headers.get('etag')).toBe('"1"');
    });

    it('of the version, of a list with it, or of * changes it', async () => {
      const own = await client.createCampaign(1);
      for (const [condition, next] of [
        ['"1"', '"2"'],
        ['"7", "2"', '"3"'],
        ['*', '"4"'],
      ] as const) {
        const path = `/api/admin/campaigns/${own}`;
        const changed = await client.admin('PATCH', path, { body: { name: 'n' }, ifMatch: condition });
        expect([changed.status, changed.headers.get('etag')]).toEqual([200, next]);
      }
    });
  });
});

describe('a list', () => {
  const lists: [string, Record<string, string>][] = [
    ['/api/campaigns', {}],
    ['/api/users/a/coupons', {}],
    ['/api/admin/failed-events', TOKEN],
  ];

  it.each([
    'limit=0',
    'limit=-1',
    'limit=1001',
    'limit=',
    'limit=x',
    'limit=1.5',
    'limit=1e2',
    'limit=%201',
    'limit=01',
  ])('is not given for %s', async (query) => {
    for (const [path, headers] of lists) {
      invalid(path, await send('GET', `${path}?${query}`, { headers }), ['/limit'], 'query');
    }
  });

  it('is not given for a parameter that comes twice, or that nobody knows', async () => {
    for (const [path, headers] of lists) {
      invalid(path, await send('GET', `${path}?limit=1&limit=1`, { headers }), ['/limit'], 'query');
      invalid(path, await send('GET', `${path}?page=2`, { headers }), ['/page'], 'query');
      invalid(path, await send('GET', `${path}?Limit=2`, { headers }), ['/Limit'], 'query');
      invalid(path, await send('GET', `${path}?constructor=2`, { headers }), ['/constructor'], 'query');
    }
  });

  it('is not given for a property of the prototype', async () => {
    for (const [path, headers] of lists) {
      refusedAt(path, await send('GET', `${path}?__proto__=2`, { headers }), 400, 'validation-failed');
    }
  });

  it.each(['', 'broken', '%00', 'e30', 'bnVsbA', 'LTE', 'MS41', 'MA', 'IjEi', 'MQ==', 'x'.repeat(600)])(
    'is not given for the cursor %j',
    async (cursor) => {
      for (const [path, headers] of lists) {
        refusedAt(path, await send('GET', `${path}?cursor=${cursor}`, { headers }), 400, 'invalid-cursor');
      }
    },
  );

  it('is not given for the cursor of another list', async () => {
    await client.createCampaign(1);
    const { nextCursor } = (await client.get('/api/campaigns?limit=1')).body;
    for (const [path, headers] of lists.slice(1)) {
      refusedAt(path, await send('GET', `${path}?cursor=${nextCursor}`, { headers }), 400, 'invalid-cursor');
    }
  });

  it('of failed events takes no filter that means nothing', async () => {
    const path = '/api/admin/failed-events';
    for (const [query, pointer] of [
      ['status=LOST', '/status'],
      ['status=dead', '/status'],
      ['status=DEAD&status=PENDING', '/status'],
      ['campaignId=', '/campaignId'],
      ['campaignId=a_b', '/campaignId'],
    ] as const) {
      invalid(path, await send('GET', `${path}?${query}`, { headers: TOKEN }), [pointer], 'query');
    }
  });

  it('is given for the limits 1 and 1,000', async () => {
    for (const [path, headers] of lists) {
      for (const limit of [1, 1_000]) {
        const response = await send('GET', `${path}?limit=${limit}`, { headers });
        expect([response.status, JSON.parse(response.body)]).toMatchObject([200, { items: expect.any(Array) }]);
      }
    }
  });
});

describe('a connection', () => {
  let slow: Service;
  let slowPort: number;
  beforeAll(async () => {
    slow = await startService({}, { headers: WAIT_FOR_HEADERS_MS, request: WAIT_FOR_BODY_MS, checkInterval: 50 });
    slowPort = Number(new URL(slow.url).port);
  });
  afterAll(() => slow.stop());

  const body = '{"userId":"a"}';

  it('has the limits of the contract where a test does not shorten them', () => {
    expect(createFastifyAdapter().getHttpServer()).toMatchObject({
      headersTimeout: 5_000,
      requestTimeout: 10_000,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 8_192,
    });
  });

  it('whose headers come too slowly is closed', async () => {
    refused(await lastWord([`POST ${APPLY} HTTP/1.1\r\nHost: x\r\n`], slowPort), 408, 'request-timeout');
  });

  it('whose body comes too slowly is closed', async () => {
    for (const framing of ['Content-Length: 14', 'Transfer-Encoding: chunked']) {
      const head = `POST ${APPLY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;
      refused(await lastWord([head], slowPort), 408, 'request-timeout');
    }
    expect((await new Client(slow.url).audit('default')).gate).toBe(0);
  });

  it('whose headers are over 8 KB is closed', async () => {
    refused(
      await lastWord([text(`POST ${APPLY}`, { 'X-Large': 'x'.repeat(8_192) }, body)], port),
      431,
      'headers-too-large',
    );
    const many = Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`X-${index}`, 'xxxxxxxxxx']));
    refused(await lastWord([text(`POST ${APPLY}`, many, body)], port), 431, 'headers-too-large');
    refused(await lastWord([text(`GET /${'x'.repeat(9_000)}`)], port), 431, 'headers-too-large');
  });

  const post = (...headers: string[]) =>
    `POST ${APPLY} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers.join('\r\n')}\r\n\r\n`;

  it.each([
    ['a chunk without a size', `${post('Transfer-Encoding: chunked')}zz\r\n${body}\r\n0\r\n\r\n`],
    ['a chunk of a negative size', `${post('Transfer-Encoding: chunked')}-1\r\n${body}\r\n0\r\n\r\n`],
    ['a chunk longer than its size', `${post('Transfer-Encoding: chunked')}1\r\n${body}\r\n0\r\n\r\n`],
    ['a chunk of an endless size', `${post('Transfer-Encoding: chunked')}fffffffffffffffff\r\n${body}\r\n0\r\n\r\n`],
    [
      'Content-Length with Transfer-Encoding',
      `${post('Content-Length: 14', 'Transfer-Encoding: chunked')}e\r\n${body}\r\n0\r\n\r\n`,
    ],
    [
      'Transfer-Encoding with Content-Length',
      `${post('Transfer-Encoding: chunked', 'Content-Length: 14')}e\r\n${body}\r\n0\r\n\r\n`,
    ],
    ['two Content-Lengths', post('Content-Length: 14', 'Content-Length: 15') + body],
    ['the same Content-Length twice', post('Content-Length: 14', 'Content-Length: 14') + body],
    ['a list of Content-Lengths', post('Content-Length: 14, 14') + body],
    ['a negative Content-Length', post('Content-Length: -14') + body],
    ['a Content-Length that is none', post('Content-Length: abc') + body],
    ['chunked that is not the last encoding', `${post('Transfer-Encoding: chunked, gzip')}e\r\n${body}\r\n0\r\n\r\n`],
    ['a blank before the colon', post('Content-Length : 14') + body],
    ['a folded header', post('X-Folded: a', ' b', 'Content-Length: 14') + body],
    ['no such method', 'CLAIM /api/coupons/apply HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['TLS', Buffer.from('160301020001000001fc0303', 'hex')],
  ])('that sends %s is closed', async (_what, bytes) => {
    refused(await lastWord([bytes], port), 400, 'bad-request');
  });

  it('that names no host is closed', async () => {
    refused(await lastWord([`POST ${APPLY} HTTP/1.1\r\nContent-Length: 0\r\n\r\n`], port), 400, 'bad-request');
  });

  it('that smuggles a claim behind a bad request gets one answer', async () => {
    const hidden = text(`POST ${APPLY}`, JSON_TYPE, '{"userId":"smuggled"}');
    refused(
      await lastWord([post('Content-Length: 14', 'Transfer-Encoding: chunked'), '0\r\n\r\n', hidden], port),
      400,
      'bad-request',
    );
    expect((await client.get('/api/campaigns/default/claims/smuggled')).body.code).toBe('claim-not-found');
  });

  it('stays open after a refusal whose body was read', async () => {
    const bad = text(`POST ${APPLY}`, JSON_TYPE, '{"userId":""}');
    const { responses } = await exchange([bad, bad, bad], { port, answers: 3 });
    for (const response of responses) invalid(APPLY, response, ['/userId']);
    expect(responses).toHaveLength(3);
  });

  it('of others is not harmed by a broken one', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await exchange([index % 2 === 0 ? 'nonsense\r\n\r\n' : post('Content-Length: 5', 'Content-Length: 6')], {
          port,
        });
        expect((await client.get('/health/ready')).status).toBe(200);
      }),
    );
  });
});

describe('a request id', () => {
  const id = async (given: string, path = '/api/campaigns') => {
    const response = await send('GET', path, { headers: { 'X-Request-Id': given } });
    return response.headers['x-request-id'] ?? '';
  };

  it.each(['a', 'A-z_0.9', 'x'.repeat(64), '0'])('%s comes back as it was', async (given) => {
    expect(await id(given)).toBe(given);
    const response = await send('GET', '/nowhere', { headers: { 'X-Request-Id': given } });
    expect(refused(response, 404, 'not-found').requestId).toBe(given);
  });

  it.each(['', 'x'.repeat(65), 'a b', 'a/b', 'a"b', 'é', 'a,b', '<script>', 'a\tb'])(
    '%j is replaced by one that is harmless',
    async (given) => {
      const made = await id(given);
      expect(made).toMatch(/^[\w.-]{1,64}$/);
      expect(made).not.toBe(given);
    },
  );

  it('is made anew for every request that has none', async () => {
    const made = new Set<string | undefined>();
    for (let n = 0; n < 20; n++) made.add((await send('GET', '/health/live')).headers['x-request-id']);
    expect(made.size).toBe(20);
    expect(made).not.toContain(undefined);
  });
});

describe('the language', () => {
  it.each([
    [undefined, 'ko'],
    ['', 'ko'],
    ['ko', 'ko'],
    ['en', 'en'],
    ['EN', 'en'],
    ['en-US,en;q=0.9', 'en'],
    ['ko-KR,ko;q=0.9,en-US;q=0.8', 'ko'],
    ['en;q=0.9,ko;q=0.8', 'en'],
    ['en;q=0.8,ko;q=0.9', 'ko'],
    ['en,ko', 'ko'],
    ['fr', 'ko'],
    ['*', 'ko'],
    ['ko;q=0,*', 'en'],
    ['en;q=0', 'ko'],
    ['en;q=2', 'ko'],
    ['english please', 'ko'],
    ['en;q=0.001', 'en'],
    [`${'de,'.repeat(1_000)}en`, 'en'],
  ] as const)('of %j is answered in %s', async (accepted, language) => {
    const headers: Record<string, string> = accepted === undefined ? {} : { 'Accept-Language': accepted };
    const response = await send('POST', APPLY, { headers: { ...headers, ...JSON_TYPE }, body: '{"userId":""}' });
    const { errors } = refused(response, 400, 'validation-failed', language);
    expect(/[가-힣]/.test(errors[0].detail)).toBe(language === 'ko');
    const unrouted = await send('GET', '/nowhere', { headers });
    refused(unrouted, 404, 'not-found', language);
  });

  it('of a promise follows the same rule', async () => {
    const campaignId = await client.createCampaign(2);
    const korean = await post(APPLY, { userId: 'a', campaignId });
    const english = await post(APPLY, { userId: 'b', campaignId }, { 'Accept-Language': 'en' });
    expect([korean, english].map(({ headers }) => headers['content-language'])).toEqual(['ko', 'en']);
    for (const { headers } of [korean, english]) expect(headers.vary?.toLowerCase()).toContain('accept-language');
    expect(JSON.parse(korean.body)).toMatchObject({ status: 'success', message: '쿠폰 발급 신청이 완료되었습니다.' });
    expect(JSON.parse(english.body)).toMatchObject({ status: 'success', message: expect.stringMatching(/^[ -~]+$/) });
  });
});

describe('while something is away', () => {
  const secret = 'SELECT code FROM coupons; coupon:{default}:7:meta';
  let broken: Service;
  let other: Client;
  let brokenPort: number;

  beforeAll(async () => {
    broken = await startService();
    other = new Client(broken.url);
    brokenPort = Number(new URL(broken.url).port);
  });
  afterAll(() => broken.stop());
  afterEach(() => void jest.restoreAllMocks());

  const ask = async (method: string, path: string, call: Call = {}) => {
    const response = await request([text(`${method} ${path}`, call.headers, call.body)], { port: brokenPort });
    note(method, path, response);
    return response;
  };
  const apply = (userId: string) =>
    ask('POST', APPLY, { headers: JSON_TYPE, body: JSON.stringify({ userId, campaignId: 'default' }) });

  it('the gate, a claim is refused for now', async () => {
    jest.spyOn(broken.app.get(IssuanceGate), 'claim').mockRejectedValueOnce(new GateUnavailableError(secret));
    refusedAt(APPLY, await apply('gate-away'), 503, 'issuer-unavailable');
  });

  it('the gate’s answer, a claim is named that may count', async () => {
    jest.spyOn(broken.app.get(IssuanceGate), 'claim').mockRejectedValueOnce(new GateTimeoutError(secret));
    const { claimId } = refusedAt(APPLY, await apply('gate-silent'), 503, 'claim-unconfirmed');
    expect(claimId).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  });

  it('room in the queue, a claim is refused before it takes a slot', async () => {
    const before = (await other.audit('default')).gate;
    const log = broken.app.get(ClaimLog);
    Object.defineProperty(log, 'full', { configurable: true, get: () => true });
    try {
      refusedAt(APPLY, await apply('queue-full'), 503, 'issuer-unavailable');
    } finally {
      delete (log as { full?: boolean }).full;
    }
    expect((await other.audit('default')).gate).toBe(before);
  });

  it('log and database, a claim that is not durable is named', async () => {
    jest.spyOn(broken.app.get(ClaimLog), 'publish').mockRejectedValue(new ClaimLogUnavailableError(secret));
    const away = new DatabaseError('infrastructure', 'ECONNREFUSED', secret);
    jest.spyOn(broken.app.get(Database), 'transaction').mockRejectedValue(away);
    const response = await apply('not-durable');
    jest.restoreAllMocks();
    const { claimId } = refusedAt(APPLY, response, 503, 'claim-unconfirmed');
    const again = refusedAt(APPLY, await apply('not-durable'), 409, 'already-claimed');
    expect(again.claim.claimId).toBe(claimId);
  });

  it('the log alone, a claim is stored in the database instead', async () => {
    const publish = jest.spyOn(broken.app.get(ClaimLog), 'publish');
    publish.mockRejectedValue(new ClaimLogUnavailableError(secret));
    const response = await apply('stored-instead');
    expect([response.status, JSON.parse(response.body)]).toMatchObject([202, { status: 'success' }]);
    expect((await other.get('/api/campaigns/default/claims/stored-instead')).body.status).toBe('PENDING');
  });

  it('the database, reads and admin calls are refused for now', async () => {
    const database = broken.app.get(Database);
    const away = new DatabaseError('infrastructure', 'ECONNREFUSED', secret);
    for (const call of ['read', 'transaction', 'snapshot'] as const) jest.spyOn(database, call).mockRejectedValue(away);
    const json = { ...TOKEN, ...JSON_TYPE, 'If-Match': '*' };
    const action = { ...TOKEN, 'If-Match': '*' };
    for (const [method, path, call] of [
      ['GET', '/api/campaigns', {}],
      ['GET', '/api/campaigns/default', {}],
      ['GET', '/api/campaigns/default/claims/a', {}],
      ['GET', '/api/users/a/coupons', {}],
      ['POST', '/api/admin/campaigns', { headers: json, body: '{"name":"n","total":1}' }],
      ['PATCH', '/api/admin/campaigns/default', { headers: json, body: '{"total":1}' }],
      ['POST', '/api/admin/campaigns/default/pause', { headers: action }],
      ['POST', '/api/admin/campaigns/default/resume', { headers: action }],
      ['POST', '/api/admin/campaigns/default/close', { headers: action }],
      ['GET', '/api/admin/campaigns/default/audit', { headers: action }],
      ['GET', '/api/admin/failed-events', { headers: action }],
      ['POST', '/api/admin/failed-events/1/requeue', { headers: action }],
      ['POST', '/api/admin/failed-events/1/discard', { headers: json, body: '{"reason":"r"}' }],
    ] as const) {
      refusedAt(path, await ask(method, path, call), 503, 'database-unavailable');
    }
  });

  it('what nobody foresaw, the answer tells nothing about it', async () => {
    jest.spyOn(broken.app.get(Database), 'read').mockRejectedValue(new TypeError(secret));
    refusedAt('/api/campaigns', await ask('GET', '/api/campaigns'), 500, 'internal-error');
  });

  it('nothing any more, everything works again', async () => {
    await eventually(async () => expect((await other.get('/health/ready')).body.status).toBe('ok'));
    await eventually(async () => expect((await apply('afterwards')).status).toBe(202));
    await eventually(async () => {
      expect((await other.get('/api/campaigns/default/claims/afterwards')).body.status).toBe('ISSUED');
    });
  });
});

describe('the OpenAPI document', () => {
  /** Answers of paths and methods that are no operation. */
  const OF_NO_OPERATION = new Set(['not-found', 'method-not-allowed']);
  /** Headers that say how the answer travels, and nothing about it. */
  const OF_HTTP = new Set(['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding']);
  let document: ProblemBody;

  beforeAll(async () => {
    document = (await client.get('/docs-json')).body;
  });

  const operations = () =>
    Object.entries<ProblemBody>(document.paths).flatMap(([path, item]) =>
      Object.entries<ProblemBody>(item).map(([method, operation]) => ({
        path,
        method: method.toUpperCase(),
        operation,
      })),
    );
  const operationOf = (method: string, path: string) =>
    operations().find(
      (candidate) =>
        candidate.method === method && new RegExp(`^${candidate.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
    );

  /** What a `$ref` stands for. */
  const resolved = (node: ProblemBody): ProblemBody =>
    typeof node?.$ref === 'string'
      ? node.$ref
          .split('/')
          .slice(1)
          .reduce((found: ProblemBody, step: string) => found?.[step], document)
      : node;

  it('resolves every reference, and names every operation once', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      const [root, ...steps] = (reference ?? '').split('/');
      const found = steps.reduce<ProblemBody>((node, step) => node?.[step], document);
      expect([reference, root, typeof found]).toEqual([reference, '#', 'object']);
    }
    const ids = operations().map(({ operation }) => operation.operationId as string);
    expect(ids.every((id) => /^[a-z]\w+$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('describes every parameter of every path, a success and a failure of every call', () => {
    expect(document.openapi).toMatch(/^3\.\d/);
    for (const { path, operation } of operations()) {
      const inPath = (operation.parameters ?? []).filter((parameter: { in: string }) => parameter.in === 'path');
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(inPath.map((parameter: { name: string }) => parameter.name)).toEqual(names);
      expect(
        inPath.every((parameter: { required: boolean; schema: unknown }) => parameter.required && parameter.schema),
      ).toBe(true);
      const statuses = Object.keys(operation.responses);
      expect([path, statuses.some((status) => status.startsWith('2'))]).toEqual([path, true]);
      for (const status of statuses.filter((one) => one.startsWith('2') && one !== '204')) {
        const bodies = Object.values<ProblemBody>(operation.responses[status].content ?? {});
        expect([path, status, bodies.map(({ schema }) => typeof schema)]).toEqual([path, status, ['object']]);
      }
      for (const response of Object.values<ProblemBody>(operation.responses))
        expect(typeof resolved(response).description).toBe('string');
    }
  });

  it('asks for the admin token where it is needed', () => {
    for (const { path, operation } of operations()) {
      if (path.startsWith('/api/admin')) expect([path, operation.security]).toEqual([path, [{ admin: [] }]]);
    }
    expect(document.components.securitySchemes.admin).toMatchObject({ type: 'http', scheme: 'bearer' });
  });

  it('lists every answer that was seen here', () => {
    const missing = new Set<string>();
    for (const { method, path, status, code } of seen) {
      const found = operationOf(method, path);
      if (found === undefined || (code !== undefined && OF_NO_OPERATION.has(code))) continue;
      const response = resolved(found.operation.responses[status]);
      const examples = response?.content?.['application/problem+json']?.examples;
      const listed = response !== undefined && (code === undefined || examples?.[code] !== undefined);
      if (!listed) missing.add(`${found.operation.operationId} ${status} ${code ?? ''}`);
    }
    expect(seen.length).toBeGreaterThan(300);
    expect([...missing].sort()).toEqual([]);
  });

  it('names every header that was seen here, and none that was promised was missing', () => {
    const wrong = new Set<string>();
    let compared = 0;
    for (const { method, path, status, code, headers } of seen) {
      const response = resolved(operationOf(method, path)?.operation.responses[status]);
      if (response === undefined || (code !== undefined && OF_NO_OPERATION.has(code))) continue;
      compared += 1;
      const named = new Map(
        Object.entries<ProblemBody>(response.headers).map(([name, header]) => [name.toLowerCase(), header]),
      );
      const what = `${method} ${path} ${status} ${code ?? ''}`;
      for (const [name, value] of Object.entries(headers)) {
        const schema = named.get(name)?.schema;
        if (!OF_HTTP.has(name) && schema === undefined) wrong.add(`${what}: ${name} is not named`);
        if (
          schema?.enum?.includes(value) === false ||
          (schema?.pattern && !new RegExp(schema.pattern).test(value ?? ''))
        )
          wrong.add(`${what}: ${name} is ${value}`);
      }
      for (const [name, { required }] of named) {
        if (required && headers[name] === undefined) wrong.add(`${what}: no ${name}`);
      }
    }
    expect(compared).toBeGreaterThan(300);
    expect([...wrong].sort()).toEqual([]);
  });
});

it('after all of it, nothing was issued, and one user still gets one coupon', async () => {
  expect(await client.audit('default')).toMatchObject({ gate: 0, pending: 0, issued: 0, rows: 0, drift: 0 });
  const campaign = await client.createCampaign(1);
  const response = await post(APPLY, { userId: 'the-last', campaignId: campaign });
  expect(response.status).toBe(202);
  await eventually(async () => {
    expect(await client.audit(campaign)).toMatchObject({ gate: 1, pending: 0, issued: 1, rows: 1, drift: 0 });
  });
  expect((await client.get('/api/admin/failed-events', TOKEN)).body.items).toEqual([]);
});
