import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, HttpCode, Logger, Module, Param, Post } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Registry } from 'prom-client';
import { AdminTokenOnlyModule } from '../../../../test/support/callers.js';
import { PATIENT_HTTP } from '../../../../test/support/patience.js';
import { exchange, request, text } from '../../../../test/support/raw-http.js';
import { until } from '../../../../test/support/until.js';
import { ConfigModule } from '../../config/config.module.js';
import { type AccessLog } from '../../config/config-parts.js';
import { parseEnv } from '../../config/env.js';
import { Admin } from '../../identity/admin.guard.js';
import { configureHttp, createFastifyAdapter } from '../server/fastify.js';
import { RequestObserver } from './request-observer.js';

const TOKEN = 'a-token-of-20-chars!';
const SECRET = 'what-nobody-may-read';

/** How many calls wait for an answer that never comes. */
let waiting = 0;

@Controller()
class ProbeController {
  @Get('/things/:id')
  find(@Param('id') id: string): unknown {
    if (id === 'broken') throw new Error('SELECT hidden');
    return { id };
  }

  @Get('/things/:id/late')
  late(): Promise<never> {
    waiting += 1;
    return new Promise(() => undefined);
  }

  @Post('/api/admin/probe')
  @HttpCode(200)
  @Admin('operator')
  admin(): unknown {
    return { done: true };
  }
}

@Module({
  imports: [ConfigModule.for(parseEnv({ ADMIN_TOKEN: TOKEN })), AdminTokenOnlyModule],
  controllers: [ProbeController],
})
class ProbeModule {}

type Line = Readonly<Record<string, unknown>>;

describe('what is measured and written about requests', () => {
  let app: NestFastifyApplication;
  let registry: Registry;
  let lines: Line[];
  let port: number;

  const start = async (accessLog: AccessLog) => {
    const observer = new RequestObserver(accessLog);
    const module = await Test.createTestingModule({ imports: [ProbeModule] }).compile();
    app = module.createNestApplication<NestFastifyApplication>(createFastifyAdapter(PATIENT_HTTP, observer), {
      bodyParser: false,
      logger: false,
    });
    configureHttp(app, observer);
    registry = new Registry();
    observer.exportTo(registry);
    const write = (line: unknown) => void lines.push(line as Line);
    Logger.overrideLogger({ log: write, warn: write, error: write });
    await app.listen(0, '127.0.0.1');
    port = Number(new URL(await app.getUrl()).port);
  };
  beforeEach(() => {
    lines = [];
  });
  afterEach(async () => {
    await app.close();
    Logger.overrideLogger(false);
  });

  const call = (line: string, headers: Record<string, string> = {}) => request([text(line, headers)], { port });
  const ofEvent = (event: string) => lines.filter((line) => line['event'] === event);
  const written = async (count: number) => {
    await until(`${count} lines`, () => ofEvent('http.request').length >= count);
    return ofEvent('http.request');
  };
  const counted = async () =>
    (await registry.metrics()).split('\n').filter((line) => /_seconds_count|_unparsed_total\{/.test(line));

  it('counts answers by method, pattern and status, and gives all requests without a route one label', async () => {
    await start('off');
    await call('GET /things/1');
    await call('GET /things/2?x=1');
    await call('GET /things/broken');
    await call('GET /nowhere/1');
    await call('GET /nowhere/2');
    await call('PUT /api/admin/probe');
    await call('GET /%zz');
    await exchange(['nonsense\r\n\r\n'], { port, answers: 1 });
    const name = 'coupon_http_request_duration_seconds_count';
    expect(await counted()).toEqual(
      expect.arrayContaining([
        `${name}{method="GET",route="/things/:id",status="200"} 2`,
        `${name}{method="GET",route="/things/:id",status="500"} 1`,
        `${name}{method="GET",route="unmatched",status="404"} 2`,
        `${name}{method="PUT",route="unmatched",status="405"} 1`,
        `${name}{method="GET",route="unmatched",status="400"} 1`,
        'coupon_http_unparsed_total{status="400"} 1',
      ]),
    );
    expect(await counted()).toHaveLength(6);
    expect(ofEvent('http.request')).toEqual([]);
  });

  it('gives a histogram as Prometheus reads it: cumulative buckets, sum and count', async () => {
    await start('off');
    const from = performance.now();
    await exchange([text('GET /things/1')], { port, answers: 1 });
    const seconds = (performance.now() - from) / 1_000;
    const metrics = await registry.metrics();
    const buckets = [
      ...metrics.matchAll(/_bucket\{le="([^"]+)",method="GET",route="\/things\/:id",status="200"\} (\d)/g),
    ];
    const counts = buckets.map(([, , count]) => Number(count));
    expect(buckets.at(-1)?.[1]).toBe('+Inf');
    expect([counts.length, counts.at(-1)]).toEqual([14, 1]);
    expect([...counts].sort((a, b) => a - b)).toEqual(counts);
    const sum = Number(/_sum\{method="GET",route="\/things\/:id",status="200"\} (\S+)/.exec(metrics)?.[1]);
    // The sum is in seconds: not the 0 of a request that was not timed, and not milliseconds.
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(seconds);
    expect(metrics).toContain('# TYPE coupon_http_request_duration_seconds histogram');
  });

  it('writes a line for every request if ACCESS_LOG is all, and no secret into any line', async () => {
    await start('all');
    const headers = {
      authorization: `Bearer ${SECRET}`,
      'idempotency-key': SECRET,
      cookie: SECRET,
      'x-request-id': 'r-1',
    };
    await call(`GET /things/1?token=${SECRET}`, headers);
    await call(`GET /nowhere?token=${SECRET}`, headers);
    await call(`GET /%zz?token=${SECRET}`, headers);
    await call(`POST /api/admin/probe?token=${SECRET}`, headers);
    await call('GET /things/broken', headers);
    await exchange([`GET /things/1 HTTP/1.1\r\nHost: x\r\nBad\x01: ${SECRET}\r\n\r\n`], { port, answers: 1 });
    const all = await written(6);
    const facts = all.map(({ method, route, path, status }) => [method, route, path, status]);
    expect(new Set(facts)).toEqual(
      new Set([
        ['GET', '/things/:id', '/things/1', 200],
        ['GET', null, '/nowhere', 404],
        ['GET', null, '/%zz', 400],
        ['POST', '/api/admin/probe', '/api/admin/probe', 401],
        ['GET', '/things/:id', '/things/broken', 500],
        [undefined, null, undefined, 400],
      ]),
    );
    const found = all.find(({ status }) => status === 200);
    expect(found).toMatchObject({ requestId: 'r-1', address: '127.0.0.1', bytes: 10, durationMs: expect.any(Number) });
    const unparsed = all.find(({ method }) => method === undefined);
    expect(unparsed).toMatchObject({ requestId: expect.any(String), address: '127.0.0.1', bytes: expect.any(Number) });
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });

  it('writes one line for a caller who went away before the answer', async () => {
    await start('all');
    const socket = connect(port, '127.0.0.1');
    socket.write(text('GET /things/1/late'));
    await until('the call', () => waiting === 1);
    // A caller that only closes its half of the connection may still wait for the answer.
    socket.resetAndDestroy();
    await written(1);
    await call('GET /things/1');
    const late = (await written(2)).filter(({ route }) => route === '/things/:id/late');
    expect(late).toEqual([expect.objectContaining({ status: null, message: 'GET /things/1/late aborted' })]);
  });

  it('leaves out successful answers if ACCESS_LOG is errors', async () => {
    await start('errors');
    await call('GET /things/1');
    await call('GET /nowhere');
    await exchange(['nonsense\r\n\r\n'], { port, answers: 1 });
    expect((await written(2)).map(({ status }) => status)).toEqual([404, 400]);
  });

  it('logs every failure of the service with its request and the error', async () => {
    await start('off');
    const { body } = await call('GET /things/broken?token=secret', { 'x-request-id': 'r-9' });
    expect(JSON.parse(body)).toMatchObject({ code: 'internal-error', requestId: 'r-9' });
    expect(ofEvent('http.failed')).toEqual([
      expect.objectContaining({ requestId: 'r-9', method: 'GET', path: '/things/broken', error: expect.any(Error) }),
    ]);
  });

  it('counts every refused admin call by its reason, and logs one a minute for each address', async () => {
    await start('off');
    for (let n = 0; n < 3; n++) await call('POST /api/admin/probe');
    for (let n = 0; n < 2; n++) await call('POST /api/admin/probe', { authorization: `Bearer ${SECRET}` });
    expect((await call('POST /api/admin/probe', { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    const metrics = await registry.metrics();
    expect(metrics).toContain('coupon_admin_refusals_total{reason="no_token"} 3');
    expect(metrics).toContain('coupon_admin_refusals_total{reason="wrong_token"} 2');
    expect(ofEvent('admin.refused')).toEqual([
      expect.objectContaining({ address: '127.0.0.1', method: 'POST', path: '/api/admin/probe', reason: 'no_token' }),
    ]);
    expect(JSON.stringify(lines)).not.toContain(SECRET);
  });
});
