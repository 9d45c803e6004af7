import { type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { until } from '../../../../test/support/until.js';
import { type HttpConfig } from '../../config/config-parts.js';
import { parseEnv } from '../../config/env.js';
import { Connections, SHED_REASONS } from './connections.js';
import { Pipeline } from './pipeline.js';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
/** The head of a request whose body never comes. */
const UNFINISHED = 'POST /claims HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n';
const CHECK_MS = 10;
/** More bytes than the kernel holds of an answer that its caller does not take. */
const LARGE = 30_000_000;
/** Bytes of answers. */
const SIZES: Readonly<Record<string, number>> = { '/large': LARGE, '/medium': 16_384 };

interface Caller {
  readonly socket: Socket;
  readonly received: () => string;
}

describe('connections', () => {
  let connections: Connections;
  let server: Server;
  const callers: Caller[] = [];
  const served: string[] = [];

  const listen = async (limits: Partial<HttpConfig>, { write = 60_000, mostUnsent = 1e9 } = {}): Promise<void> => {
    connections = new Connections({ ...parseEnv({}).http, ...limits }, 1_000, mostUnsent);
    server = connections.createServer(
      { checkInterval: CHECK_MS, write },
      (request: IncomingMessage, response: ServerResponse) => {
        served.push(request.url ?? '');
        if (request.url === '/stream') {
          Pipeline.beginStream(request.socket, response);
          response.write('begun');
          return;
        }
        request.resume().on('end', () => response.end('x'.repeat(SIZES[request.url ?? ''] ?? 2)));
      },
      {},
    );
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  };

  afterEach(async () => {
    jest.restoreAllMocks();
    for (const { socket } of callers.splice(0)) socket.destroy();
    served.length = 0;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  /** @param from an address of this machine. */
  const call = async (bytes: string, from = '127.0.0.1'): Promise<Caller> => {
    let text = '';
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', localAddress: from });
    socket.setEncoding('latin1').on('data', (part: string) => (text += part));
    socket.on('error', () => undefined);
    const caller = { socket, received: () => text };
    callers.push(caller);
    await new Promise((resolve) => socket.once('connect', resolve).once('error', resolve));
    if (bytes !== '') socket.write(bytes);
    return caller;
  };

  const answered = (caller: Caller): Promise<true> =>
    until('an answer, or the end', () => caller.received() !== '' || caller.socket.destroyed);
  const closed = (caller: Caller): Promise<true> => until('the end', () => caller.socket.destroyed);
  /** Connects callers whose requests stay under way while the test runs. */
  const occupy = async (count: number, from?: string): Promise<void> => {
    const before = served.length;
    for (let each = 0; each < count; each++) await call(UNFINISHED, from);
    await until('all under way', () => served.length === before + count);
  };
  const shed = (): Record<string, number> =>
    Object.fromEntries(
      SHED_REASONS.map((reason) => [reason, connections.shedFor(reason)] as const).filter(([, count]) => count > 0),
    );

  it('are counted while they are open', async () => {
    await listen({ maxConnections: 5 });
    const one = await call(get('/'));
    await call(get('/'));
    await until('two', () => connections.size === 2);
    one.socket.destroy();
    await until('one', () => connections.size === 1);
    expect(connections.most).toBe(5);
  });

  it('are closed when they are idle and a new one needs the place', async () => {
    await listen({ maxConnections: 3 });
    const idle = [await call(get('/1')), await call(get('/2')), await call(get('/3'))];
    await Promise.all(idle.map(answered));
    for (let each = 4; each <= 8; each++) {
      const caller = await call(get(`/${each}`));
      await answered(caller);
      expect(caller.received()).toContain('200 OK');
    }
    await Promise.all(idle.map(closed));
    expect(connections.size).toBe(3);
    expect(shed()).toEqual({ idle: 5 });
  });

  it('are found idle behind any number of streams, which are not closed', async () => {
    await listen({ maxConnections: 81 });
    const streams: Caller[] = [];
    for (let each = 0; each < 80; each++) streams.push(await call(get('/stream')));
    await Promise.all(streams.map(answered));
    const idle = await call(get('/'));
    await answered(idle);
    const caller = await call(get('/'));
    await answered(caller);
    expect(caller.received()).toContain('200 OK');
    await closed(idle);
    expect(streams.filter(({ socket }) => socket.destroyed)).toEqual([]);
  });

  it('end when something comes behind a stream', async () => {
    await listen({});
    const stream = await call(get('/stream'));
    await answered(stream);
    stream.socket.write(get('/claims').slice(0, 10));
    await closed(stream);
    expect(served).toEqual(['/stream']);
  });

  it('are idle too when they have sent nothing for a while, or only a part of a request', async () => {
    await listen({ maxConnections: 2 });
    const silent = await call('');
    const slow = await call('GET / HT');
    await until('both', () => connections.size === 2);
    await until('idle ones', async () => {
      const caller = await call(get('/'));
      await answered(caller);
      return silent.socket.destroyed && slow.socket.destroyed;
    });
  });

  it('are not closed while a request is under way: the new one is refused and closed', async () => {
    await listen({ maxConnections: 3 });
    await occupy(3);
    const refused = await call(get('/refused').replace('Host', 'Accept-Language: en\r\nHost'));
    await closed(refused);
    expect(refused.received()).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/);
    expect(refused.received()).toMatch(/\r\ncontent-type: application\/problem\+json\r\n/);
    expect(refused.received()).toMatch(/\r\nretry-after: 2\r\n/);
    expect(refused.received()).toMatch(/\r\nconnection: close\r\n/i);
    expect(JSON.parse(refused.received().split('\r\n\r\n')[1] ?? '')).toMatchObject({
      code: 'too-many-connections',
      instance: '/refused',
      title: 'Too many connections',
    });
    expect(served).not.toContain('/refused');
    expect(shed()).toEqual({ full: 1 });
  });

  it('are answered once each for health and metrics, although there are too many', async () => {
    await listen({ maxConnections: 2 });
    await occupy(2);
    for (const path of ['/health/live', '/health/ready', '/metrics']) {
      const caller = await call(get(path) + get('/claims'));
      await closed(caller);
      expect(caller.received().match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200']);
    }
    expect(served.filter((path) => path !== '/claims')).toEqual(['/health/live', '/health/ready', '/metrics']);
    expect(shed()).toEqual({});
  });

  it('do not keep health checks away when they are above the limit and send nothing', async () => {
    await listen({ maxConnections: 2 });
    await occupy(2);
    const silent: Caller[] = [];
    for (let each = 0; each < 100; each++) silent.push(await call(''));
    const health = await call(get('/health/live'));
    await closed(health);
    expect(health.received()).toContain('200 OK');
    // The oldest ones were closed first.
    await Promise.all(silent.slice(0, 30).map(closed));
    expect(connections.size).toBeLessThanOrEqual(2 + 64);
    expect(connections.shedFor('full')).toBeGreaterThanOrEqual(36);
  });

  it('are limited for one address, if configured, without limiting other addresses', async () => {
    await listen({ maxConnectionsPerAddress: 2 });
    await occupy(2, '127.0.0.2');
    const refused = await call(get('/claims'), '127.0.0.2');
    await closed(refused);
    expect(refused.received()).toContain('"too-many-connections"');
    const other = await call(get('/claims'), '127.0.0.3');
    await answered(other);
    expect(other.received()).toContain('200 OK');
    expect(shed()).toEqual({ address: 1 });
    for (const { socket } of callers) if (socket.localAddress === '127.0.0.2') socket.destroy();
    await until('they are gone', () => connections.size === 1);
    const again = await call(get('/claims'), '127.0.0.2');
    await answered(again);
    expect(again.received()).toContain('200 OK');
  });

  it('are closed when their caller takes no answer for too long', async () => {
    await listen({}, { write: 200 });
    const reader = await call(get('/'));
    const deaf = await call('');
    deaf.socket.pause();
    deaf.socket.write(get('/large') + get('/claims').repeat(1_000));
    await until('the end', () => connections.shedFor('unread') === 1);
    expect(served.filter((path) => path === '/claims').length).toBeLessThan(16);
    expect(shed()).toEqual({ unread: 1 });
    expect(connections.size).toBe(1);
    expect(reader.received()).toContain('200 OK');
  });

  describe('whose caller is slow', () => {
    const WRITE_MS = 1_000;
    let now: number;
    let accepted: Socket;
    let checks: { readonly mock: { readonly calls: readonly unknown[] } };

    beforeEach(async () => {
      await listen({}, { write: WRITE_MS });
      server.once('connection', (socket: Socket) => (accepted = socket));
      now = 1_000;
      checks = jest.spyOn(performance, 'now').mockImplementation(() => now);
    });

    /** Lets this much time pass, and the connections be checked. */
    const pass = async (ms: number): Promise<void> => {
      now += ms;
      const before = checks.mock.calls.length;
      await until('some checks', () => checks.mock.calls.length > before + 5);
    };

    it('stay open while the caller takes a large answer, however long it takes', async () => {
      const slow = await call('');
      slow.socket.pause();
      slow.socket.write(get('/large'));
      await until('more than the kernel holds', () => served.length === 1 && accepted.writableLength > 0);
      let took = 0;
      for (let step = 0; step < 20; step++) {
        await pass(WRITE_MS - 100);
        // A large part at once: the kernel's buffers could hide a smaller one.
        for (const goal = Math.min(LARGE, took + LARGE / 6); took < goal && !slow.socket.destroyed;) {
          const part = slow.socket.read() as string | null;
          if (part === null) await until('more', () => slow.socket.readableLength > 0 || slow.socket.destroyed);
          took += part?.length ?? 0;
        }
        await pass(0);
        if (accepted.writableLength === 0) break;
      }
      expect(now).toBeGreaterThan(1_000 + 3 * WRITE_MS);
      expect(shed()).toEqual({});
    });

    it('are closed when the caller takes nothing and sends further small requests', async () => {
      const deaf = await call('');
      deaf.socket.pause();
      const ask = async (path: string): Promise<void> => {
        const before = served.length;
        deaf.socket.write(get(path));
        await until('an answer, or the end', () => served.length > before || accepted.destroyed);
      };
      for (let each = 0; each < 10_000 && accepted.writableLength === 0; each++) await ask('/medium');
      expect(accepted.writableLength).toBeGreaterThan(0);
      for (let each = 0; each < 10 && !accepted.destroyed; each++) {
        await ask('/');
        await pass(WRITE_MS / 4);
      }
      expect(shed()).toEqual({ unread: 1 });
    });
  });

  it('have too much unsent together: those that have waited longest are closed', async () => {
    await listen({}, { mostUnsent: 50_000_000 });
    for (let each = 0; each < 4; each++) {
      const deaf = await call('');
      deaf.socket.pause();
      deaf.socket.write(get('/large'));
    }
    await until('enough are closed', () => connections.shedFor('memory') >= 2);
    expect(connections.size).toBeGreaterThanOrEqual(1);
  });

  it('are logged in one line when they were closed, and in the next line a minute later', async () => {
    let now = 1_000;
    const lines = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await listen({ maxConnections: 2 });
    await occupy(2);
    const checks = jest.spyOn(performance, 'now').mockImplementation(() => now);
    for (let each = 0; each < 3; each++) await closed(await call(get('/claims')));
    await until('a line', () => lines.mock.calls.length > 0);
    for (let each = 0; each < 5; each++) await closed(await call(get('/claims')));
    now += 59_000;
    const before = checks.mock.calls.length;
    await until('some checks', () => checks.mock.calls.length > before + 20);
    expect(lines).toHaveBeenCalledTimes(1);
    now += 2_000;
    await until('the second line', () => lines.mock.calls.length === 2);
    const counts = lines.mock.calls.map(([line]) => Number(/full (\d+)/.exec(String(line))?.[1]));
    expect(counts.reduce((sum, count) => sum + count)).toBe(8);
    expect(lines.mock.calls[1]?.[0]).toMatch(/^closed \d+ connections \(full \d+\); \d+ are open, 2 may be$/);
  });

  it('make room when the system has no descriptor for a new one', async () => {
    await listen({ maxConnections: 5 });
    const idle = await call(get('/'));
    await answered(idle);
    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
    await closed(idle);
    // Nothing happens if none is idle.
    server.emit('error', Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' }));
    expect(shed()).toEqual({ accept: 2 });
  });

  it('are limited by the descriptors, and a log line says so', async () => {
    const lines = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    await listen({ maxConnections: 5_000 });
    expect(connections.most).toBe(744);
    expect(lines.mock.calls).toEqual([[expect.stringMatching(/^MAX_CONNECTIONS is lowered from 5000 to 744: /)]]);
  });
});
