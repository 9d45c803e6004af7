import { connect, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fastifyOf, { type FastifyInstance } from 'fastify';
import { PortClosing } from './port-closing.js';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** The first line of the answer, or the code of the error. */
function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(REQUEST));
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('end', () => resolve(answer.split('\r\n', 1)[0] ?? ''));
  });
}

describe('a port that closes', () => {
  let fastify: FastifyInstance;
  let port: number;
  let served: string[];

  beforeEach(async () => {
    served = [];
    fastify = fastifyOf({ return503OnClosing: false });
    const closing = new PortClosing(fastify);
    fastify.addHook('onRequest', (_request, _reply, done) => {
      if (closing.holds) closing.hold(done);
      else done();
    });
    fastify.get('/', () => {
      served.push(fastify.server.listening ? 'open' : 'closed');
      return 'ok';
    });
    await fastify.listen({ port: 0, host: '127.0.0.1' });
    ({ port } = fastify.server.address() as AddressInfo);
  });
  afterEach(() => fastify.close());

  it('answers every caller whose connection the kernel had taken already', async () => {
    // They connect within this turn of the event loop, in which the server accepts nothing.
    const asked = Array.from({ length: 30 }, () => ask(port));
    await fastify.close();
    expect(await Promise.all(asked)).toEqual(asked.map(() => 'HTTP/1.1 200 OK'));
  });

  it('holds requests until it is closed, so that their callers send no more', async () => {
    const asked = Array.from({ length: 30 }, () => ask(port));
    await fastify.close();
    await Promise.all(asked);
    expect(served).toEqual(served.map(() => 'closed'));
    expect(served).toHaveLength(30);
  });

  it.each([3, 4, 5, 6])('resets no caller who comes while the process is busy, every %d turns', async (turns) => {
    const asked: Promise<string>[] = [];
    let turn = 0;
    const busy = (): void => {
      if (turn++ % turns === 0) {
        asked.push(ask(port));
        const until = performance.now() + 2;
        while (performance.now() < until);
      }
      if (asked.length < 10) setImmediate(busy);
    };
    busy();
    await fastify.close();
    for (const answer of await Promise.all(asked)) expect(['HTTP/1.1 200 OK', 'ECONNREFUSED']).toContain(answer);
  });

  it('resets no caller who waits while the whole process stands still', async () => {
    const closed = fastify.close();
    await new Promise(setImmediate);
    const asked = Array.from({ length: 60 }, () => ask(port));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700);
    await closed;
    expect(await Promise.all(asked)).toEqual(asked.map(() => 'HTTP/1.1 200 OK'));
  });

  it('refuses callers who come later', async () => {
    await fastify.close();
    expect(await ask(port)).toBe('ECONNREFUSED');
  });
});
