import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { Client } from '../support/client.js';
import { decided, request, type RawResponse, text } from '../support/raw-http.js';
import { refused } from '../support/refusal.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';

const APPLY = '/api/coupons/apply';
const JSON_TYPE = { 'Content-Type': 'application/json' };
const TOKEN = { Authorization: `Bearer ${ADMIN_TOKEN}` };

let service: Service;
let client: Client;
let port: number;
let campaign: string;

beforeAll(async () => {
  service = await startService();
  client = new Client(service.url);
  port = Number(new URL(service.url).port);
  campaign = await client.createCampaign(20);
});
afterAll(() => service.stop());

const send = (line: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<RawResponse> =>
  request([text(line, { ...JSON_TYPE, ...headers }, body)], { port });
const apply = (body: string | Buffer, headers: Record<string, string> = {}) => {
  const all = { 'Idempotency-Key': ulid(), ...headers };
  return decided(() => send(`POST ${APPLY}`, body, all));
};

/** Expects validation-failed for one value. @returns its detail. */
function invalid(response: RawResponse, pointer: string): string {
  const { errors } = refused(response, 400, 'validation-failed');
  expect(errors).toEqual([{ in: 'body', pointer, detail: expect.stringMatching(/[가-힣]/) }]);
  return errors[0].detail as string;
}

describe('a name given twice', () => {
  it.each([
    ['with two values', '{"userId":"first","userId":"second"}', '/userId'],
    ['with one value', '{"userId":"same","userId":"same"}', '/userId'],
    ['with an escape', '{"userId":"first","user\\u0049d":"second"}', '/userId'],
    ['with an escape first', '{"\\u0075serId":"first","userId":"second"}', '/userId'],
    ['behind another', '{"userId":"u","campaignId":"default","userId":"v"}', '/userId'],
    ['of another member', '{"campaignId":"default","userId":"u","campaignId":"other"}', '/campaignId'],
    ['inside of a value', '{"userId":{"a":1,"a":2}}', '/userId/a'],
    ['inside of an array', '{"userId":"u","x":[0,{"a":1,"b":2,"a":3}]}', '/x/1/a'],
    ['of no letters', '{"userId":"u","":1,"":2}', '/'],
    ['that nobody knows', '{"userId":"u","x":1,"x":2}', '/x'],
    ['as a number and a text', '{"userId":1,"userId":"1"}', '/userId'],
  ])('%s is refused, and nobody gets a coupon', async (_what, body, pointer) => {
    expect(invalid(await apply(body), pointer)).toBe('두 번 지정되었습니다.');
    expect((await client.audit('default')).gate).toBe(0);
  });

  it('is refused where an operator gives it', async () => {
    const made = await send('POST /api/admin/campaigns', '{"name":"n","total":1,"total":1000}', TOKEN);
    invalid(made, '/total');
    const path = `/api/admin/campaigns/${campaign}`;
    invalid(await send(`PATCH ${path}`, '{"total":1,"total":1000}', { ...TOKEN, 'If-Match': '*' }), '/total');
    expect((await client.get(`/api/campaigns/${campaign}`)).body).toMatchObject({ total: 20, version: 1 });
  });
});

describe('a number', () => {
  it.each([
    '41.99999999999999999',
    '42.00000000000000001',
    '9007199254740990.6',
    '9007199254740992',
    '9007199254740993',
    '1e2',
    '1E2',
    '1e-0',
    '42e0',
    '4.2e1',
    '1.0',
    '-0',
    '-0.0',
    '-1',
    '0.5',
    '1e999',
    '123456789012345678901234567890',
  ])('%s is no user', async (number) => {
    invalid(await apply(`{"userId":${number}}`), '/userId');
    expect((await client.audit('default')).gate).toBe(0);
  });

  it.each(['1e2', '1.0', '100.5', '-0', '0', '-1', '1e7', '9007199254740993'])('%s is no total', async (number) => {
    invalid(await send('POST /api/admin/campaigns', `{"name":"n","total":${number}}`, TOKEN), '/total');
    const path = `/api/admin/campaigns/${campaign}`;
    invalid(await send(`PATCH ${path}`, `{"total":${number}}`, { ...TOKEN, 'If-Match': '*' }), '/total');
  });

  it('that is an integer is the user of its digits', async () => {
    for (const number of ['0', '42', '9007199254740991']) {
      const response = await apply(`{"userId":${number},"campaignId":"${campaign}"}`);
      expect([response.status, response.headers.location]).toEqual([
        202,
        `/api/campaigns/${campaign}/claims/${number}`,
      ]);
      refused(await apply(`{"userId":"${number}","campaignId":"${campaign}"}`), 409, 'already-claimed');
    }
  });
});

describe('malformed JSON', () => {
  it.each<[string, string | Buffer, number, number]>([
    ['cut off', '{"userId":"a"', 1, 14],
    ['with a comma too many', '{"userId":"a",}', 1, 15],
    ['on the third line', '{\n  "userId": "a",\n  "campaignId": default\n}', 3, 17],
    ['behind a line of another system', '{\r\n"userId":"a"\r\n"campaignId":"b"}', 3, 1],
    ['behind letters of several bytes', '{"userId":"가나다😀" x}', 1, 18],
    ['with a byte that is not UTF-8', Buffer.from('{"userId":"a\xff"}', 'latin1'), 1, 13],
    ['with a letter cut off at its end', Buffer.from('{"userId":"\xea\xb0', 'latin1'), 1, 12],
    ['with half a replacement character', Buffer.from('{"userId":"\xef\xbf"}', 'latin1'), 1, 12],
    ['with an overlong letter', Buffer.from('{"userId":"\xc1\xa1"}', 'latin1'), 1, 12],
    ['with a byte order mark', '\ufeff{"userId":"a"}', 1, 1],
    ['with two values', '{"userId":"a"} {}', 1, 16],
    ['behind a name given twice', '{"userId":"a","userId":"b",}', 1, 28],
    ['with a number that is none', '{"userId":01}', 1, 12],
    ['with a control character', '{"userId":"a\u0001"}', 1, 13],
    ['nested too deeply', `${'['.repeat(2_000)}`, 1, 33],
    ['of blanks alone', '\n ', 2, 2],
  ])('%s says where, and repeats nothing of it', async (_what, body, line, column) => {
    const problem = refused(await apply(body), 400, 'malformed-json');
    expect(problem.position).toEqual({ line, column });
    expect(problem.detail).toContain(`${line}행 ${column}열`);
    const english = refused(await apply(body, { 'Accept-Language': 'en' }), 400, 'malformed-json', 'en');
    expect(english.detail).toBe(`The request body is not valid JSON in UTF-8. See line ${line}, column ${column}.`);
  });

  it('of a secret does not show it', async () => {
    const { body } = await apply('{"userId":"a","password":"very-secret"]');
    expect(body).not.toMatch(/secret|password/);
  });
});

it('JSON nested too deeply is refused', async () => {
  const nested = (depth: number) => `{"userId":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  expect(invalid(await apply(nested(10)), '/userId')).not.toContain('깊이');
  const { errors } = refused(await apply(nested(2_000)), 400, 'validation-failed');
  expect(errors).toMatchObject([{ in: 'body', detail: '너무 깊이 중첩되었습니다.' }]);
});

it('JSON in an unusual but unambiguous form is accepted', async () => {
  const bodies = [
    `\t{ "campaignId" : "${campaign}" ,\r\n "userId" : "blanks" } \n`,
    `{"user\\u0049d":"\\u0065scapes","campaignId":"${campaign}"}`,
    `{"userId":"__proto__","campaignId":"${campaign}"}`,
  ];
  for (const body of bodies) expect([body, (await apply(body)).status]).toEqual([body, 202]);
});
