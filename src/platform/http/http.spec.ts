import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, HttpCode, Module, Param, Post, Query, Res } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { type FastifyReply } from 'fastify';
import { z } from 'zod';
import { AdminTokenOnlyModule } from '../../../test/support/callers.js';
import { PATIENT_HTTP } from '../../../test/support/patience.js';
import {
  exchange,
  request,
  type RawOptions,
  type RawPiece,
  type RawResponse,
  text,
} from '../../../test/support/raw-http.js';
import { until } from '../../../test/support/until.js';
import { ConfigModule } from '../config/config.module.js';
import { parseEnv } from '../config/env.js';
import { Admin } from '../identity/admin.guard.js';
import { INPUT_RULES } from './input/input-rules.js';
import { campaignId, keysetCursor, listQuery, userId, userIdOrNumber } from './input/schemas.js';
import { CLAIM_ACCEPTED, languageOf } from './problem/accept-language.js';
import { Problem, sendProblem } from './problem/problem.js';
import { configureHttp, createFastifyAdapter, type HttpTimeouts } from './server/fastify.js';

const applyBody = z.strictObject({ userId: userIdOrNumber, campaignId: campaignId.optional() });
const cursor = keysetCursor(z.tuple([z.int(), z.string()]));
const page = listQuery(cursor, { campaignId: campaignId.optional() });

class StorageGone extends Error {
  readonly problemCode = 'database-unavailable';
}

/** Users whose claims have come to the handler. */
const taken: string[] = [];

@Controller()
class ProbeController {
  @Post('/api/coupons/apply')
  @HttpCode(202)
  apply(@Body({ schema: applyBody }) body: z.output<typeof applyBody>, @Res() reply: FastifyReply): void {
    taken.push(body.userId);
    if (body.userId === 'late') {
      sendProblem(reply, 'sold-out', { startsAt: 'never' }, { location: '/claim' });
      return;
    }
    const language = languageOf(reply.request.headers['accept-language']);
    reply.header('content-language', language).send({ ...body, message: CLAIM_ACCEPTED[language] });
  }

  @Post('/api/admin/campaigns/:id/pause')
  @HttpCode(200)
  @Admin('operator')
  pause(@Param('id', { schema: campaignId }) id: string): unknown {
    return { id };
  }

  @Get('/api/users/:userId/coupons')
  list(
    @Param('userId', { schema: userId }) user: string,
    @Query({ schema: page }) query: z.output<typeof page>,
  ): unknown {
    return { user, ...query };
  }

  @Get('/api/faults/:kind')
  fail(@Param('kind') kind: string): never {
    throw kind === 'storage'
      ? new StorageGone('SELECT secret')
      : kind === 'problem'
        ? new Problem('claim-unconfirmed', { extensions: { claimId: 'c-1' } })
        : new Error('SELECT secret FROM hidden');
  }
}

@Module({
  imports: [ConfigModule.for(parseEnv({ ADMIN_TOKEN: 'a-token-of-20-chars!' })), AdminTokenOnlyModule],
  controllers: [ProbeController],
})
class ProbeModule {}

const JSON_TYPE = { 'Content-Type': 'application/json' };

const apps: NestFastifyApplication[] = [];
let options: RawOptions;

const start = async (timeouts: Partial<HttpTimeouts>): Promise<RawOptions> => {
  const module = await Test.createTestingModule({ imports: [ProbeModule] }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(createFastifyAdapter(timeouts), {
    bodyParser: false,
    logger: false,
  });
  apps.push(app);
  configureHttp(app);
  await app.listen(0, '127.0.0.1');
  return { port: Number(new URL(await app.getUrl()).port) };
};

beforeAll(async () => {
  options = await start(PATIENT_HTTP);
});

afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
});

const send = (...pieces: RawPiece[]): Promise<RawResponse> => request(pieces, options);

const apply = (body: string | Buffer | undefined, headers: Record<string, string> = JSON_TYPE): Promise<RawResponse> =>
  send(text('POST /api/coupons/apply', headers, body));

const chunked = (...chunks: string[]): string =>
  [...chunks, ''].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');

interface Body {
  readonly code: string;
  readonly requestId: string;
  readonly errors?: readonly { readonly in: string; readonly pointer: string; readonly detail: string }[];
  readonly [member: string]: unknown;
}

/** Checks what all refusals have in common, and returns the body. */
function problem(response: RawResponse, status: number, code: string): Body {
  const body = JSON.parse(response.body) as Body;
  expect(body).toMatchObject({ status, code, type: `urn:coupon:problem:${code}` });
  expect(response.status).toBe(status);
  expect(response.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'content-language': expect.stringMatching(/^(?:ko|en)$/),
    vary: 'accept-language',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': body.requestId,
  });
  return body;
}

describe('a body', () => {
  it('is taken as JSON, with or without a charset of UTF-8', async () => {
    const types = ['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset="UTF-8"'];
    for (const type of types) {
      const response = await apply('{"userId":"user-1"}', { 'Content-Type': type });
      expect([response.status, JSON.parse(response.body)]).toEqual([
        202,
        { userId: 'user-1', message: '쿠폰 발급 신청이 완료되었습니다.' },
      ]);
    }
  });

  it('may hold the user as an integer, which becomes its decimal text', async () => {
    for (const [json, expected] of [
      ['0', '0'],
      ['42', '42'],
      ['9007199254740991', '9007199254740991'],
    ]) {
      expect(JSON.parse((await apply(`{"userId":${json}}`)).body)).toMatchObject({ userId: expected });
    }
  });

  it.each([
    ['broken', '{"userId":'],
    ['a blank', ' '],
    ['two values', '{} {}'],
    ['with a BOM', '\ufeff{"userId":"a"}'],
    ['with NaN', '{"userId":NaN}'],
    ['in invalid UTF-8', Buffer.from('{"userId":"\xff"}', 'latin1')],
    [
      'with a cut UTF-8 sequence',
      Buffer.concat([Buffer.from('{"userId":"a'), Buffer.from([0xed, 0x95]), Buffer.from('"}')]),
    ],
    ['in UTF-16', Buffer.from('{"userId":"a"}', 'utf16le')],
  ])('that is %s is malformed', async (_name, body) => {
    const response = await apply(body);
    problem(response, 400, 'malformed-json');
    expect(response.headers['connection']).not.toBe('close');
  });

  it.each([
    ['an array', '[]', ''],
    ['a text', '"user"', ''],
    ['a number', '1', ''],
    ['null', 'null', ''],
    ['empty', '', ''],
    ['without a user', '{}', '/userId'],
    ['with an unknown property', '{"userId":"a","a/b~":1}', '/a~1b~0'],
    ['with __proto__', '{"userId":"a","__proto__":{"x":1}}', '/__proto__'],
    ['with constructor', '{"userId":"a","constructor":{"prototype":{}}}', '/constructor'],
    ['with a hidden __proto__', '{"userId":"a","\\u005f_proto__":1}', '/__proto__'],
    ['with a nested __proto__', '{"userId":"a","x":[{"__proto__":1}]}', '/x/0/__proto__'],
    ['with an empty user', '{"userId":""}', '/userId'],
    ['with a user of 129 characters', `{"userId":"${'a'.repeat(129)}"}`, '/userId'],
    ['with a user of two dots', '{"userId":".."}', '/userId'],
    ['with a blank in the user', '{"userId":"a b"}', '/userId'],
    ['with a line break after the user', '{"userId":"a\\n"}', '/userId'],
    ['with a user in Korean', '{"userId":"사용자"}', '/userId'],
    ['with a negative user', '{"userId":-1}', '/userId'],
    ['with half a user', '{"userId":1.5}', '/userId'],
    ['with a user above 2^53-1', '{"userId":9007199254740992}', '/userId'],
    ['with a user just above 2^53-1', '{"userId":9007199254740993}', '/userId'],
    ['with a boolean user', '{"userId":true}', '/userId'],
    ['with null for the user', '{"userId":null}', '/userId'],
    ['with a campaign of the wrong form', '{"userId":"a","campaignId":"a_b"}', '/campaignId'],
    ['with null for the campaign', '{"userId":"a","campaignId":null}', '/campaignId'],
  ])('that is %s fails validation and is told where', async (_name, json, pointer) => {
    const body = problem(await apply(json), 400, 'validation-failed');
    expect(body.errors).toEqual([{ in: 'body', pointer, detail: expect.stringMatching(/[가-힣]/) }]);
  });

  it.each(['{"userId":"a","__proto__":1}', '{"userId":"a","\\u005f_proto__":1}', '{"x":[{"constructo\\u0072":1}]}'])(
    'such as %s is refused by the parser, before a schema that is not strict could overlook it',
    async (json) => {
      const { errors } = problem(await apply(json), 400, 'validation-failed');
      expect(errors).toMatchObject([{ detail: INPUT_RULES.forbidden.ko }]);
    },
  );

  it('may hold a value that merely looks like a forbidden name', async () => {
    expect((await apply('{"userId":"constructor"}')).status).toBe(202);
    expect((await apply('{"userId":"__proto__"}')).status).toBe(202);
  });

  it('that is missing fails validation if the call needs one', async () => {
    for (const headers of [{}, { 'Content-Length': '0' }] as Record<string, string>[]) {
      problem(await apply(undefined, headers), 400, 'validation-failed');
    }
  });

  it.each([
    ['no type', {}],
    ['text', { 'Content-Type': 'text/plain' }],
    ['a form', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['a patch', { 'Content-Type': 'application/merge-patch+json' }],
    ['another charset', { 'Content-Type': 'application/json; charset=euc-kr' }],
    ['two parameters', { 'Content-Type': 'application/json; charset=utf-8; v=1' }],
    ['nonsense', { 'Content-Type': 'json' }],
    ['compression', { ...JSON_TYPE, 'Content-Encoding': 'gzip' }],
    ['no compression, said aloud', { ...JSON_TYPE, 'Content-Encoding': 'identity' }],
  ])('with %s is an unsupported media type', async (_name, headers) => {
    problem(await apply('{"userId":"a"}', headers), 415, 'unsupported-media-type');
  });

  it('of 4 KB is the largest, declared or chunked', async () => {
    const fill = (bytes: number): string => `{"userId":"a"${' '.repeat(bytes - 14)}}`;
    const encoding = { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' };
    expect((await apply(fill(4096))).status).toBe(202);
    expect((await apply(chunked(fill(4096)), encoding)).status).toBe(202);
    problem(await apply(fill(4097)), 413, 'payload-too-large');
    problem(await apply(chunked(fill(4096).slice(0, 4000), ' '.repeat(97)), encoding), 413, 'payload-too-large');
    problem(await apply('', { ...JSON_TYPE, 'Content-Length': '100000000' }), 413, 'payload-too-large');
  });

  it('is not needed by an action', async () => {
    const token = { Authorization: 'Bearer a-token-of-20-chars!' };
    const responses = [
      await send(text('POST /api/admin/campaigns/c-1/pause', token)),
      await send(text('POST /api/admin/campaigns/c-1/pause', { ...token, 'Content-Length': '0' })),
      await send(text('POST /api/admin/campaigns/c-1/pause', { ...token, ...JSON_TYPE, 'Content-Length': '0' })),
    ];
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
  });
});

describe('a path', () => {
  it('that nothing answers is not found', async () => {
    for (const path of ['/', '/nothing?x=1', '/api/coupons/apply//', '/api/users//coupons', '/api/users/%20']) {
      problem(await send(text(`GET ${path}`)), 404, 'not-found');
    }

    problem(await send(text('POST /nothing', JSON_TYPE, '{broken')), 404, 'not-found');
  });

  it('that can be read answers HEAD as well', async () => {
    const url = `http://127.0.0.1:${options.port}/api/users`;
    const responses = [
      await fetch(`${url}/u/coupons`, { method: 'HEAD' }),
      await fetch(`${url}/a%20b/coupons`, { method: 'HEAD' }),
    ];
    expect(responses.map(({ status }) => status)).toEqual([200, 400]);
    expect(await responses[1]!.text()).toBe('');
  });

  it('is repeated as the instance, without its query', async () => {
    expect(problem(await send(text('GET /no%22thing?secret=1')), 404, 'not-found')['instance']).toBe('/no%22thing');
  });

  it('with another method is told the right ones', async () => {
    const get = await send(text('GET /api/coupons/apply'));
    problem(get, 405, 'method-not-allowed');
    expect(get.headers['allow']).toBe('POST');
    const post = await send(text('DELETE /api/users/u/coupons?limit=1'));
    problem(post, 405, 'method-not-allowed');
    expect(post.headers['allow']).toBe('GET, HEAD');
    problem(await send(text('TRACE /api/users/u/coupons')), 405, 'method-not-allowed');
  });

  it('that cannot be decoded is a bad request', async () => {
    problem(await send(text('GET /%ZZ')), 400, 'bad-request');
    problem(await send(text('GET /api/users/%E0%A4%A/coupons')), 400, 'bad-request');
  });

  it('has its parameters checked, however long', async () => {
    const long = problem(await send(text(`GET /api/users/${'a'.repeat(300)}/coupons`)), 400, 'validation-failed');
    expect(long.errors).toMatchObject([{ in: 'path', pointer: '/userId' }]);
    problem(await send(text('GET /api/users/a%20b/coupons')), 400, 'validation-failed');
  });
});

describe('a query', () => {
  const list = (query: string): Promise<RawResponse> => send(text(`GET /api/users/u-1/coupons${query}`));

  it('has defaults', async () => {
    expect(JSON.parse((await list('')).body)).toEqual({ user: 'u-1', limit: 50 });
    expect(JSON.parse((await list('?limit=1000&campaignId=c')).body)).toMatchObject({ limit: 1000, campaignId: 'c' });
  });

  it.each(['limit=0', 'limit=-1', 'limit=1001', 'limit=', 'limit=1.0', 'limit=1&limit=2', 'offset=3', '__proto__=1'])(
    'with %s fails validation',
    async (query) => {
      const pointer = `/${query.split('=')[0]}`;
      const body = problem(await list(`?${query}`), 400, 'validation-failed');
      expect(body.errors).toMatchObject([{ in: 'query', pointer }]);
    },
  );

  it('accepts the cursor that the service gave out, and no other', async () => {
    const position: [number, string] = [7, 'a'];
    expect(JSON.parse((await list(`?cursor=${cursor.encode(position)}`)).body)).toMatchObject({ cursor: position });
    const foreign = Buffer.from('["7","a"]').toString('base64url');
    for (const broken of ['', 'x', '%25', foreign, `${cursor.encode(position)}!`, 'a'.repeat(600)]) {
      problem(await list(`?cursor=${broken}`), 400, 'invalid-cursor');
    }
  });
});

describe('a request id', () => {
  it('is echoed when it is harmless', async () => {
    for (const id of ['a', 'A.b_c-9', 'x'.repeat(64)]) {
      const ok = await apply('{"userId":"a"}', { ...JSON_TYPE, 'X-Request-Id': id });
      const bad = await apply('{', { ...JSON_TYPE, 'X-Request-Id': id });
      const bodiless = await send(text('GET /%ZZ', { 'X-Request-Id': id }));
      expect([ok, bad, bodiless].map((response) => response.headers['x-request-id'])).toEqual([id, id, id]);
      expect(problem(bad, 400, 'malformed-json').requestId).toBe(id);
    }
  });

  it('is made, and unlike any other, when there is none or it is not harmless', async () => {
    const made = new Set<string | undefined>();
    for (const id of ['', 'a b', 'x'.repeat(65), '"', 'é', '<script>']) {
      const response = await apply('{"userId":"a"}', { ...JSON_TYPE, 'X-Request-Id': id });
      expect(response.headers['x-request-id']).toMatch(/^[\w.-]{1,64}$/);
      expect(response.headers['x-request-id']).not.toBe(id);
      made.add(response.headers['x-request-id']);
    }
    made.add((await apply('{"userId":"a"}')).headers['x-request-id']);
    expect(made.size).toBe(7);
  });
});

describe('an answer', () => {
  it('speaks Korean, or English where that is preferred, and keeps the code', async () => {
    const korean = await apply('{"userId":"late"}');
    const english = await apply('{"userId":"late"}', { ...JSON_TYPE, 'Accept-Language': 'ko;q=0.5, en-US' });
    expect(problem(korean, 409, 'sold-out')['detail']).toBe('쿠폰이 모두 소진되었습니다.');
    expect(problem(english, 409, 'sold-out')['detail']).toBe('All coupons are taken.');
    expect([korean.headers['content-language'], english.headers['content-language']]).toEqual(['ko', 'en']);
    const errors = problem(
      await apply('{}', { ...JSON_TYPE, 'Accept-Language': 'en' }),
      400,
      'validation-failed',
    ).errors;
    expect(errors?.[0]?.detail).toMatch(/^Must be/);
    const accepted = await apply('{"userId":"a"}', { ...JSON_TYPE, 'Accept-Language': 'en' });
    expect(JSON.parse(accepted.body)).toMatchObject({ message: 'Your coupon request has been accepted.' });
  });

  it('carries extensions and headers of its own', async () => {
    const response = await apply('{"userId":"late"}');
    expect(problem(response, 409, 'sold-out')).toMatchObject({ startsAt: 'never', instance: '/api/coupons/apply' });
    expect(response.headers['location']).toBe('/claim');
    const thrown = await send(text('GET /api/faults/problem'));
    expect(problem(thrown, 503, 'claim-unconfirmed')['claimId']).toBe('c-1');
    expect(Number(thrown.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('shows nothing of an error inside the service', async () => {
    const storage = await send(text('GET /api/faults/storage'));
    problem(storage, 503, 'database-unavailable');
    const unknown = await send(text('GET /api/faults/other'));
    problem(unknown, 500, 'internal-error');
    expect(storage.body + unknown.body).not.toMatch(/secret|SELECT|at .*\.ts/);
  });

  it('to a missing or wrong admin token is a challenge', async () => {
    for (const authorization of [undefined, 'Bearer wrong', 'Bearer', 'Basic YTph', 'a-token-of-20-chars!']) {
      const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
      const response = await send(text('POST /api/admin/campaigns/c-1/pause', headers));
      problem(response, 401, 'unauthorized');
      expect(response.headers['www-authenticate']).toMatch(/^Bearer realm="admin"/);
    }
    expect(
      (await send(text('POST /api/admin/campaigns/c-1/pause', { Authorization: 'bearer a-token-of-20-chars!' })))
        .status,
    ).toBe(200);
  });
});

describe('what is not HTTP', () => {
  const APPLY = 'POST /api/coupons/apply HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';

  it.each([
    ['a bad chunk size', [`${APPLY}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`]],
    ['a bad chunk after a good one', [`${APPLY}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n`, 50, 'zz\r\n\r\n']],
    ['a length and chunks', [`${APPLY}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`]],
    ['two lengths', [`${APPLY}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`]],
    ['two equal lengths', [`${APPLY}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`]],
    ['an unknown method', ['FETCH / HTTP/1.1\r\nHost: a\r\n\r\n']],
    ['no HTTP at all', ['hello\r\n\r\n']],
    ['no Host', ['GET /api/users/u/coupons HTTP/1.1\r\n\r\n']],
  ])('such as %s is a bad request, and the connection ends', async (_name, pieces) => {
    const { responses, closed } = await exchange(pieces, options);
    expect(responses).toHaveLength(1);
    problem(responses[0]!, 400, 'bad-request');
    expect(responses[0]!.headers['connection']).toBe('close');
    expect(closed).toBe(true);
  });

  it('such as headers over 8 KB is refused, and the connection ends', async () => {
    const { responses, closed } = await exchange(
      [text('GET /', { 'X-Big': 'a'.repeat(9000) }), 'more', 20, 'more'],
      options,
    );
    expect(responses).toHaveLength(1);
    problem(responses[0]!, 431, 'headers-too-large');
    expect(closed).toBe(true);
    expect((await send(text('GET /', { 'X-Big': 'a'.repeat(7000) }))).status).toBe(404);
  });

  it('such as slow headers times out, and the connection ends', async () => {
    const { responses, closed } = await exchange(
      ['GET / HTTP/1.1\r\nHost: a\r\n', 200, 'X-A: b\r\n'],
      await start({ headers: 300, request: 60_000, checkInterval: 50 }),
    );
    problem(responses[0]!, 408, 'request-timeout');
    expect(closed).toBe(true);
  });

  it('such as a slow body times out, and the connection ends', async () => {
    const head = text('POST /api/coupons/apply', {
      ...JSON_TYPE,
      'Content-Length': '20',
      'X-Request-Id': 'slow',
      'Accept-Language': 'en',
    });
    const { responses, closed } = await exchange(
      [head, 200, '{', 200, '"'],
      await start({ headers: 600, request: 600, checkInterval: 50 }),
    );
    expect(responses).toHaveLength(1);
    const body = problem(responses[0]!, 408, 'request-timeout');
    expect(body).toMatchObject({ requestId: 'slow', instance: '/api/coupons/apply', title: 'Request timeout' });
    expect(closed).toBe(true);
  });

  it('such as a body whose rest comes behind the 408 is not executed: its caller asks again', async () => {
    const { port } = await start({ headers: 300, request: 300, checkInterval: 50 });
    const before = taken.length;
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let received = '';
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => (received += chunk.toString()));
    const closed = once(socket, 'close');
    socket.write(text('POST /api/coupons/apply', { ...JSON_TYPE, 'Content-Length': '14' }));
    await until('the answer', () => received.includes(' 408 '));
    socket.end('{"userId":"a"}');
    await closed;
    expect(received.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(taken.slice(before)).toEqual([]);
  });

  it('does not take the answer from an earlier request on the same connection', async () => {
    const pipelined = Buffer.concat([text('GET /api/users/u/coupons'), Buffer.from('nonsense\r\n\r\n')]);
    const { responses, closed } = await exchange([pipelined], options);
    expect(responses.map(({ status }) => status)).toEqual([200, 400]);
    expect(closed).toBe(true);
  });

  it('leaves other connections alone', async () => {
    const { responses } = await exchange(
      [text('GET /nothing'), text('GET /nothing'), text('GET /api/users/u/coupons')],
      {
        ...options,
        answers: 3,
      },
    );
    expect(responses.map(({ status }) => status)).toEqual([404, 404, 200]);
  });
});
