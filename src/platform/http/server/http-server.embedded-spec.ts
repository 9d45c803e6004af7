import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, HttpCode, Module, Post } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { eventually } from '../../../../test/support/eventually.js';
import { PATIENT_HTTP } from '../../../../test/support/patience.js';
import { exchange, type RawExchange, type RawOptions, text } from '../../../../test/support/raw-http.js';
import { MAX_FIELDS } from '../message/message-fault.js';
import { Problem } from '../problem/problem.js';
import { BODY_LIMIT } from './body-parser.js';
import { configureHttp, createFastifyAdapter } from './fastify.js';

/** How many requests have reached the handler, and a function that lets them go on. */
let arrived = 0;
let release: () => void;
let released: Promise<void>;
let bodies: unknown[];

@Controller()
class ProbeController {
  @Get('/slow')
  async slow(): Promise<unknown> {
    arrived++;
    await released;
    return { slow: true };
  }

  @Get('/quick')
  quick(): unknown {
    return { quick: true };
  }

  @Get('/refused')
  refused(): unknown {
    throw new Problem('claim-not-found');
  }

  @Post('/take')
  @HttpCode(200)
  take(@Body() body: unknown): unknown {
    bodies.push(body);
    return { taken: true };
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

const JSON_TYPE = { 'Content-Type': 'application/json' };
const CHUNKED = { ...JSON_TYPE, 'Transfer-Encoding': 'chunked' };
const SLOW = text('GET /slow');
const QUICK = text('GET /quick');

let app: NestFastifyApplication;
let options: RawOptions;

async function start(): Promise<void> {
  const module = await Test.createTestingModule({ imports: [ProbeModule] }).compile();
  app = module.createNestApplication<NestFastifyApplication>(createFastifyAdapter(PATIENT_HTTP), {
    bodyParser: false,
    logger: false,
  });
  configureHttp(app);
  await app.listen(0, '127.0.0.1');
  options = { port: Number(new URL(await app.getUrl()).port) };
}

beforeAll(start);
afterAll(() => app.close());
beforeEach(() => {
  arrived = 0;
  bodies = [];
  released = new Promise((resolve) => (release = resolve));
});

const codes = ({ responses }: RawExchange): (string | number)[] =>
  responses.map(({ status, body }) => /"code":"([^"]+)"/.exec(body)?.[1] ?? status);

const connections = (): Promise<number> =>
  new Promise((resolve, reject) => {
    app
      .getHttpServer()
      .getConnections((error: Error | null, count: number) => (error ? reject(error) : resolve(count)));
  });

const handlersReached = (count: number): Promise<void> => eventually(async () => expect(arrived).toBe(count));

/** Resolves when the server has read everything that was sent before the call. */
async function everythingRead(): Promise<void> {
  await exchange([QUICK], { ...options, answers: 1 });
}

describe('a caller that has closed its half of the connection', () => {
  it('gets its answer, and the end of the connection', async () => {
    const asked = exchange([SLOW], { ...options, halfClose: true });
    await handlersReached(1);
    await everythingRead();
    release();
    const { responses, closed } = await asked;
    expect([responses.map(({ body }) => body), closed]).toEqual([['{"slow":true}'], true]);
  });

  it('gets the answers to all its requests, in their order', async () => {
    const asked = exchange([Buffer.concat([SLOW, QUICK, SLOW])], { ...options, halfClose: true });
    await handlersReached(2);
    await everythingRead();
    release();
    const { responses, closed } = await asked;
    expect(responses.map(({ body }) => body)).toEqual(['{"slow":true}', '{"quick":true}', '{"slow":true}']);
    expect(closed).toBe(true);
  });

  it.each([
    ['has asked for nothing', [], []],
    ['has got its answer', [QUICK, 50], [200]],
    ['has sent half of its headers', ['GET /quick HTTP/1.1\r\nHost: x\r\n'], ['bad-request']],
    ['has sent half of its body', [text('POST /take', { ...JSON_TYPE, 'Content-Length': '9' }, '{')], ['bad-request']],
    ['has sent half of its chunks', [text('POST /take', CHUNKED, '2\r\n{}\r\n')], ['bad-request']],
    ['is refused before it has sent its body', [text('POST /nowhere', CHUNKED, '2\r\n{}\r\n')], ['not-found']],
  ])('and %s is let go at once', async (_what, pieces, expected) => {
    const asked = await exchange(pieces, { ...options, halfClose: true });
    expect([codes(asked), asked.closed]).toEqual([expected, true]);
    expect(bodies).toEqual([]);
    await eventually(async () => expect(await connections()).toBe(0));
  });

  it('gets the end of the connection also after refusals', async () => {
    const refused = text('GET /refused');
    const asked = await exchange([Buffer.concat([refused, refused, refused])], { ...options, halfClose: true });
    expect([codes(asked), asked.closed]).toEqual([[...Array(3)].map(() => 'claim-not-found'), true]);
  });

  it('gets its answer while the server closes, and does not keep it from closing', async () => {
    const asked = exchange([SLOW], { ...options, halfClose: true });
    await handlersReached(1);
    const closing = app.close();
    release();
    const { responses, closed } = await asked;
    expect([responses.map(({ status }) => status), closed]).toEqual([[200], true]);
    await closing;
    await start();
  });
});

describe('a server that closes', () => {
  afterEach(start);

  it('carries out no request behind the last answer of a connection', async () => {
    const first = text('POST /take', { ...JSON_TYPE, 'Content-Length': '7' }, '{"a":');
    const behind = text('POST /take', JSON_TYPE, '{"behind":true}');
    const socket = connect(Number(options.port), '127.0.0.1');
    let answers = '';
    socket.on('data', (data) => (answers += String(data)));
    socket.write(first);
    await eventually(async () => expect(await connections()).toBe(1));
    const ended = once(socket, 'end');
    const closing = app.close();
    socket.write(Buffer.concat([Buffer.from('1}'), behind, behind]));
    await ended;
    await closing;
    expect(bodies.length).toBe(answers.split('HTTP/1.1 200').length - 1);
  });

  it('does not wait for a connection that has sent no request', async () => {
    const socket = connect(Number(options.port), '127.0.0.1');
    await eventually(async () => expect(await connections()).toBe(1));
    const ended = once(socket.resume(), 'close');
    await app.close();
    await ended;
  });

  it('closes a connection with half a request in the end', async () => {
    const socket = connect(Number(options.port), '127.0.0.1');
    socket.on('error', () => undefined).write(text('POST /take', { ...JSON_TYPE, 'Content-Length': '7' }, '{'));
    await eventually(async () => expect(await connections()).toBe(1));
    await app.close();
  });
});

describe('a request that Node itself refuses', () => {
  it.each([
    ['nonsense', Buffer.from('nonsense\r\n\r\n'), 'bad-request'],
    ['another framing', text('POST /take', { 'Content-Length': '2', 'Transfer-Encoding': 'chunked' }), 'bad-request'],
    ['CONNECT', text('CONNECT example.com:80'), 'method-not-allowed'],
  ])('such as %s takes no earlier answer from its caller', async (_what, refused, code) => {
    const asked = exchange([Buffer.concat([SLOW, QUICK, SLOW, QUICK, refused])], options);
    await handlersReached(2);
    await everythingRead();
    release();
    const answers = await asked;
    expect([codes(answers), answers.closed]).toEqual([[200, 200, 200, 200, code], true]);
  });

  it('because of its body is answered with its own id, after the answers to earlier requests', async () => {
    const broken = text('POST /take', { ...CHUNKED, 'X-Request-Id': 'broken' }, 'zz\r\n');
    const asked = exchange([Buffer.concat([SLOW, QUICK, broken])], options);
    await handlersReached(1);
    await everythingRead();
    release();
    const answers = await asked;
    expect([codes(answers), answers.closed]).toEqual([[200, 200, 'bad-request'], true]);
    expect(answers.responses[2]?.headers['x-request-id']).toBe('broken');
  });

  it('because of the rest of its body, after its answer, gets no second one', async () => {
    const refused = text('POST /nowhere', CHUNKED, '2\r\n{}\r\n');
    const asked = exchange([Buffer.concat([SLOW, refused]), 'zz\r\n', QUICK], options);
    await handlersReached(1);
    await everythingRead();
    release();
    const answers = await asked;
    expect([codes(answers), answers.closed]).toEqual([[200, 'not-found'], true]);
  });

  it('because of the rest of its body, in the packet of its head, still gets its answer', async () => {
    const refused = text('POST /nowhere', CHUNKED, 'zz\r\n');
    const answers = await exchange([Buffer.concat([refused, QUICK])], options);
    expect([codes(answers), answers.closed]).toEqual([['not-found'], true]);
  });

  it('leaves nothing behind when its caller goes away during the wait', async () => {
    const refused = text('CONNECT example.com:80');
    await exchange([Buffer.concat([SLOW, refused]), 20], { ...options, deadline: 100 });
    release();
    await eventually(async () => expect(await connections()).toBe(0));
    expect(codes(await exchange([QUICK], { ...options, answers: 1 }))).toEqual([200]);
  });
});

describe('an answer that ends the connection', () => {
  const take = (headers: Record<string, string>, body = '{}') =>
    text('POST /take', { ...JSON_TYPE, ...headers }, body).toString('latin1');
  const large = ' '.repeat(BODY_LIMIT + 1);

  it.each([
    ['two hosts', take({ HOST: 'b' }), 'bad-request'],
    ['a bad host', take({ Host: 'a b' }), 'bad-request'],
    ['no host', take({}).replace('Host: localhost\r\n', ''), 'bad-request'],
    [
      'a foreign transfer coding',
      take({ 'Transfer-Encoding': 'gzip, chunked' }, '2\r\n{}\r\n0\r\n\r\n'),
      'not-implemented',
    ],
    [
      'chunks in HTTP/1.0',
      take({ ...CHUNKED, Connection: 'keep-alive' }, '2\r\n{}\r\n0\r\n\r\n').replace('1.1', '1.0'),
      'bad-request',
    ],
    ['too many headers', take({}).replace('Host', `${'a:\r\n'.repeat(MAX_FIELDS)}Host`), 'headers-too-large'],
    ['a body that is too large', take({}, large), 'payload-too-large'],
    // The bytes behind it are still a part of its body.
    ['chunks that are too large', take(CHUNKED, `2000\r\n${large}`), 'payload-too-large'],
    ['a failed expectation', take({ Expect: 'foo' }), 'expectation-failed'],
    ['two expectations', take({ Expect: '100-continue, foo' }), 'expectation-failed'],
    [
      'a refused body that was waited with',
      take({ Expect: '100-continue', 'Content-Type': 'a/b' }),
      'unsupported-media-type',
    ],
    ['a lost body that was waited with', take({ Expect: '100-continue' }).replace('/take', '/x'), 'not-found'],
    ['an expectation without a body', text('GET /quick', { Expect: '100-continue' }).toString(), 200],
    ['an upgrade', take({ Upgrade: 'h2c', Connection: 'Upgrade' }), 200],
    ['an upgrade with a body that is refused', take({ Upgrade: 'h2c' }, '{'), 'malformed-json'],
    ['an upgrade that a handler refuses', text('GET /refused', { Upgrade: 'h2c' }).toString(), 'claim-not-found'],
    ['a wish to close', take({ Connection: 'close' }), 200],
  ])('because of %s lets nothing happen that came behind its request', async (_what, first, code) => {
    const behind = take({}, '{"behind":true}');
    const asked = await exchange([first + behind + behind], options);
    expect([codes(asked), asked.closed]).toEqual([[code], true]);
    expect(asked.responses[0]?.headers.connection).toBe('close');
    expect(bodies.filter((body) => JSON.stringify(body).includes('behind'))).toEqual([]);
  });

  it('is sent for no other refusal: the requests behind those are carried out', async () => {
    const refused = [take({ 'Content-Type': 'a/b' }), take({}, '{'), take({}).replace('/take', '/%41')];
    const asked = await exchange([refused.join('') + take({})], { ...options, answers: 4 });
    expect(codes(asked)).toEqual(['unsupported-media-type', 'malformed-json', 'bad-request', 200]);
  });
});

describe('CONNECT', () => {
  it.each(['example.com:80', '127.0.0.1:22', '[::1]:443', '/quick'])(
    '%s is no method of this server',
    async (target) => {
      const asked = await exchange([text(`CONNECT ${target}`), 'what would go through the tunnel'], options);
      expect([codes(asked), asked.closed]).toEqual([['method-not-allowed'], true]);
      const [response] = asked.responses;
      expect(response?.headers).toMatchObject({
        allow: 'GET, HEAD, POST',
        'content-type': 'application/problem+json',
        connection: 'close',
      });
      expect(JSON.parse(response?.body ?? '')).toMatchObject({ requestId: response?.headers['x-request-id'] });
    },
  );
});

describe('Expect', () => {
  const CONTINUE = { Expect: '100-continue' };
  /** Sends only the head, like a caller that waits for 100 Continue. */
  const head = (headers: Record<string, string>, line = 'POST /take') => text(line, headers);

  it('of 100-continue is told to send its body where the body is read', async () => {
    for (const expectation of ['100-continue', '100-Continue']) {
      const framing = { ...JSON_TYPE, 'Content-Length': '2', Expect: expectation };
      const { responses, interim } = await exchange([head(framing), '{}'], { ...options, answers: 1 });
      expect([interim, responses.map(({ status }) => status)]).toEqual([[100], [200]]);
    }
    const { responses, interim } = await exchange([head({ ...CHUNKED, ...CONTINUE }), '2\r\n{}\r\n0\r\n\r\n'], {
      ...options,
      answers: 1,
    });
    expect([interim, responses.map(({ status }) => status)]).toEqual([[100], [200]]);
  });

  it.each([
    ['is too large', { ...JSON_TYPE, 'Content-Length': String(BODY_LIMIT + 1) }, 'POST /take', 'payload-too-large'],
    [
      'is of another type',
      { 'Content-Type': 'text/plain', 'Content-Length': '2' },
      'POST /take',
      'unsupported-media-type',
    ],
    ['has no type', { 'Content-Length': '2' }, 'POST /take', 'unsupported-media-type'],
    [
      'is compressed',
      { ...JSON_TYPE, 'Content-Encoding': 'gzip', 'Content-Length': '2' },
      'POST /take',
      'unsupported-media-type',
    ],
    ['goes nowhere', { ...JSON_TYPE, 'Content-Length': '2' }, 'POST /nowhere', 'not-found'],
    ['comes with another method', { ...JSON_TYPE, 'Content-Length': '2' }, 'PUT /take', 'method-not-allowed'],
    ['comes with two hosts', { ...JSON_TYPE, 'Content-Length': '2', HOST: 'b' }, 'POST /take', 'bad-request'],
  ])('of 100-continue is refused without it where the body %s', async (_what, headers, line, code) => {
    const asked = await exchange([head({ ...headers, ...CONTINUE }, line)], options);
    // The caller has not sent its body, so nothing else can come on this connection.
    expect([asked.interim, codes(asked), asked.closed]).toEqual([[], [code], true]);
  });

  it('of 100-continue changes nothing if no body comes', async () => {
    for (const [line, headers] of [
      ['GET /quick', {}],
      ['POST /take', { 'Content-Length': '0' }],
    ] as const) {
      const asked = await exchange([head({ ...headers, ...CONTINUE }, line)], { ...options, answers: 1 });
      expect([asked.interim, codes(asked)]).toEqual([[], [200]]);
    }
  });

  it('of 100-continue is not answered in HTTP/1.0, which has no interim answers', async () => {
    const old =
      'POST /take HTTP/1.0\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}';
    const asked = await exchange([old], options);
    expect([asked.interim, codes(asked)]).toEqual([[], [200]]);
  });

  it.each(['foo', '', '100-continue, foo', '100-continue=1', '200-ok', '100', 'x'.repeat(1_000)])(
    'of %j fails',
    async (expectation) => {
      for (const version of ['1.0', '1.1']) {
        const framing = 'Content-Type: application/json\r\nContent-Length: 2';
        const bytes = `POST /take HTTP/${version}\r\nHost: x\r\nExpect: ${expectation}\r\n${framing}\r\n\r\n{}`;
        const asked = await exchange([bytes], { ...options, answers: 1 });
        expect([asked.interim, codes(asked), bodies]).toEqual([[], ['expectation-failed'], []]);
        expect(asked.responses[0]).toMatchObject({
          status: 417,
          headers: { 'content-type': 'application/problem+json', 'x-request-id': expect.stringMatching(/\S/) },
        });
      }
    },
  );
});

describe('Upgrade', () => {
  it.each([
    ['websocket', { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' }],
    ['h2c', { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }],
    ['nothing', { Connection: 'Upgrade', Upgrade: '' }],
    ['another version without being asked', { Upgrade: 'HTTP/3.0' }],
  ])('to %s is ignored, and whatever follows is not kept waiting', async (_what, headers) => {
    const body = { ...headers, 'Content-Type': 'application/json' };
    const asked = await exchange([Buffer.concat([text('POST /take', body, '{"a":1}'), QUICK])], options);
    expect([codes(asked).slice(0, 1), asked.closed, bodies]).toEqual([[200], true, [{ a: 1 }]]);
    expect(asked.responses[0]?.headers.connection).toBe('close');
  });
});
