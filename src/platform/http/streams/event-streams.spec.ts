import { type AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { fastify, type FastifyInstance } from 'fastify';
import { EventSource } from '../../../../test/support/event-source.js';
import { SetTimers } from '../../../../test/support/flow.js';
import { until } from '../../../../test/support/until.js';
import { parseEnv } from '../../config/env.js';
import { SystemEntropy } from '../../flow/entropy.js';
import { Problem } from '../problem/problem.js';
import { eventFrame } from './event-frames.js';
import { EventStream } from './event-stream.js';
import { EventStreams, type StreamKind } from './event-streams.js';

Logger.overrideLogger(false);

describe('the streams of a process', () => {
  let app: FastifyInstance;
  let url: string;
  let timers: SetTimers;
  let streams: EventStreams;
  let begun: EventStream[];
  let mayStay: boolean;

  const start = async (env: Record<string, string>): Promise<void> => {
    timers = new SetTimers();
    streams = new EventStreams(parseEnv(env), timers.clock, timers, new SystemEntropy());
    begun = [];
    mayStay = true;
    app = fastify({ forceCloseConnections: true });
    app.get<{ Params: { kind: StreamKind } }>('/:kind', async (request, reply) => {
      const ask = request.params.kind === 'operator' ? async () => mayStay : null;
      try {
        const stream = streams.begin(request, reply, request.params.kind, eventFrame('first', 1), ask);
        if (stream !== null) begun.push(stream);
      } catch (error) {
        reply.code(503).send((error as Problem).code);
      }
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  };
  const open = (kind: StreamKind) => EventSource.open(`${url}/${kind}`);

  beforeEach(() => start({}));
  afterEach(async () => {
    streams.onModuleDestroy();
    await app.close();
  });

  it('begin with when to connect again, at random, and their first frame', async () => {
    const sources = await Promise.all(Array.from({ length: 12 }, () => open('public')));
    for (const source of sources) await source.find('the first frame', ({ data }) => data === 'first');
    const waits = sources.map(({ retryMs }) => retryMs ?? 0);
    expect(waits.every((ms) => ms >= 1_000 && ms <= 5_000)).toBe(true);
    expect(new Set(waits).size).toBeGreaterThan(2);
    expect(sources[0]?.response.headers).toMatchObject({ connection: 'close', 'x-accel-buffering': 'no' });
    expect(sources[0]?.response.headers).not.toHaveProperty('transfer-encoding');
  });

  it('get the same bytes, and a heartbeat every 15 s', async () => {
    const sources = await Promise.all(Array.from({ length: 200 }, () => open('public')));
    await until('all have begun', () => begun.length === 200);
    await streams.send(begun, eventFrame('for all', 2));
    for (const source of sources) await source.find('the frame', ({ data, id }) => data === 'for all' && id === '2');
    await timers.pass(14_900);
    expect(sources.some(({ comments }) => comments > 0)).toBe(false);
    await timers.pass(200);
    await until('a heartbeat', () => sources.every(({ comments }) => comments === 1));
  });

  it('are as many as there may be, with a few more for operators, and others find room when one leaves', async () => {
    streams.onModuleDestroy();
    await app.close();
    await start({ LIVE_MAX_WATCHERS: '2' });
    const [one] = [await open('public'), await open('public')];
    await until('two have begun', () => begun.length === 2);
    const refused = await open('public');
    expect(refused.response.statusCode).toBe(503);
    expect((await open('operator')).response.statusCode).toBe(200);
    expect([streams.size('public'), streams.size('operator'), streams.counts.refused]).toEqual([2, 1, 1]);
    one?.close();
    await until('it has left', () => streams.size('public') === 1);
    // Operators count too.
    expect((await open('public')).response.statusCode).toBe(503);
  });

  it('leave half of the connections to claims', async () => {
    streams.onModuleDestroy();
    await app.close();
    await start({ MAX_CONNECTIONS: '6' });
    const answers = [];
    for (let n = 0; n < 4; n++) answers.push((await open('public')).response.statusCode);
    expect(answers).toEqual([200, 200, 200, 503]);
  });

  it('end when the credential is taken back, and not those that need none', async () => {
    const [everybody, operator] = [await open('public'), await open('operator')];
    await until('both have begun', () => begun.length === 2);
    await timers.pass(15_100);
    await until('a heartbeat', () => operator.comments === 1);
    mayStay = false;
    await timers.pass(1_100);
    await until('the end', () => operator.ended);
    await timers.pass(14_000);
    await until('a heartbeat', () => everybody.comments === 2);
    expect(everybody.ended).toBe(false);
  });

  it('end in order when the process stops, and so do those that come meanwhile', async () => {
    const source = await open('public');
    await source.find('the first frame', () => true);
    streams.onModuleDestroy();
    await until('the end', () => source.ended);
    expect(source.response.complete).toBe(true);
    const late = await open('public');
    await until('the end', () => late.ended);
    expect([late.events, late.retryMs]).toEqual([[], expect.any(Number)]);
    expect(streams.size('public')).toBe(0);
  });

  it('know when a caller hangs up', async () => {
    const source = await open('public');
    await until('it has begun', () => begun.length === 1);
    source.close();
    await until('it is gone', () => streams.size('public') === 0);
    expect(begun[0]?.isOpen).toBe(false);
  });

  it('send nothing behind the headers of a HEAD', async () => {
    const response = await fetch(`${url}/public`, { method: 'HEAD' });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect([begun, streams.size('public')]).toEqual([[], 0]);
  });
});
