import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { until } from '../../../../test/support/until.js';
import { Pipeline } from './pipeline.js';
import { Turns } from './turns.js';

const MOST = 4;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const chunked = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const paths = (count: number): string[] => Array.from({ length: count }, (_, index) => `/${index}`);

describe('a pipeline', () => {
  let server: Server;
  let turns: Turns;
  let pipelines: Pipeline[];
  let accepted: Socket[];
  /** Requests in the order in which they began; those that wait for their answer are in `open`. */
  let begun: string[];
  let open: (() => void)[];
  let mostOpen: number;
  let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
  let clients: Socket[];

  beforeEach(async () => {
    [pipelines, accepted, begun, open, clients, mostOpen] = [[], [], [], [], [], 0];
    answer = (request, response, body) => response.end(`<${request.url}${body}>`);
    turns = new Turns(MOST);
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      begun.push(request.url ?? '');
      let body = '';
      request.setEncoding('latin1').on('data', (part: string) => (body += part));
      request.on('end', () => answer(request, response, body));
    };
    server = createServer((request, response) => {
      pipelines[accepted.indexOf(request.socket)]?.add(request, response);
    });
    server.on('connection', (socket: Socket) => {
      accepted.push(socket);
      pipelines.push(Pipeline.install(socket, turns, serve));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterEach(async () => {
    for (const client of clients) client.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  /** Answers only when the test says so. */
  const holdAnswers = (): void => {
    answer = (request, response, body) => {
      open.push(() => response.end(`<${request.url}${body}>`));
      mostOpen = Math.max(mostOpen, open.length);
    };
  };

  interface Caller {
    readonly socket: Socket;
    /** Bodies, in the order in which they came. */
    readonly answers: () => string[];
  }

  const call = (...pieces: (string | Buffer)[]): Caller => {
    let received = '';
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    clients.push(socket);
    socket.setEncoding('latin1').on('data', (text: string) => (received += text.replace(/x+/g, '')));
    socket.on('error', () => undefined);
    for (const piece of pieces) socket.write(piece);
    return { socket, answers: () => received.match(/<[^>]*>/g) ?? [] };
  };

  const answered = async (caller: Caller, bodies: readonly string[]): Promise<void> => {
    await until(`${bodies.length} answers`, () => caller.answers().length >= bodies.length);
    expect(caller.answers()).toEqual(bodies);
  };
  const inBrackets = (list: readonly string[]): string[] => list.map((path) => `<${path}>`);

  it.each([
    ['without bodies', (path: string) => get(path), ''],
    ['with a body of a given length', (path: string) => post(path, 'body'), 'body'],
    [
      'with a body that looks like the end of a head',
      (path: string) => post(path, 'a\r\n\r\nb\r\n\r\n'),
      'a\r\n\r\nb\r\n\r\n',
    ],
    ['with a chunked body', (path: string) => chunked(path, 'body'), 'body'],
  ])('answers a thousand requests %s in order', async (_what, request, body) => {
    const all = paths(1000);
    await answered(
      call(all.map(request).join('')),
      all.map((path) => `<${path}${body}>`),
    );
    expect(begun).toEqual(all);
  });

  it.each([1, 2, 3])('reads every body where %d may be under way', async (most) => {
    turns = new Turns(most);
    const all = paths(200);
    const requests = all.map((path, at) => (at % 2 === 0 ? post(path, 'a\r\n\r\nb') : chunked(path, 'body')));
    await answered(
      call(requests.join('')),
      all.map((path, at) => `<${path}${at % 2 === 0 ? 'a\r\n\r\nb' : 'body'}>`),
    );
  });

  it('has as many requests with a body under way as without', async () => {
    holdAnswers();
    const caller = call(
      paths(50)
        .map((path) => post(path, 'body'))
        .join(''),
    );
    for (let finished = 0; finished < 50; finished++) {
      await until('as many as may be', () => open.length === Math.min(MOST, 50 - finished));
      open.shift()?.();
    }
    await until('all answers', () => caller.answers().length === 50);
    expect(mostOpen).toBe(MOST);
  });

  it('answers requests the same when they come byte by byte, or cut anywhere', async () => {
    const all = paths(20);
    const bytes = all.map((path, at) => (at % 2 === 0 ? get(path) : post(path, 'b\r\n\r\n'))).join('');
    for (const size of [1, 2, 3, 7, 39, 64]) {
      const pieces = bytes.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      const caller = call();
      caller.socket.setNoDelay(true);
      for (const piece of pieces) {
        caller.socket.write(piece);
        await new Promise(setImmediate);
      }
      await answered(
        caller,
        all.map((path, at) => (at % 2 === 0 ? `<${path}>` : `<${path}b\r\n\r\n>`)),
      );
    }
  });

  it('has no more than the limit under way, and begins the next when the first is answered', async () => {
    holdAnswers();
    const all = paths(50);
    const caller = call(all.map(get).join(''));
    for (let finished = 0; finished < all.length; finished++) {
      await until('an open request', () => open.length > 0);
      await until('as many under way as may be', () => begun.length === Math.min(all.length, finished + MOST));
      expect(open.length).toBe(Math.min(MOST, all.length - finished));
      open.shift()?.();
      await until('the answer', () => caller.answers().length === finished + 1);
    }
    expect(mostOpen).toBe(MOST);
    expect(caller.answers()).toEqual(inBrackets(all));
  });

  it('reads the body of the last request that may be under way', async () => {
    holdAnswers();
    const all = paths(MOST + 1);
    const [last] = all.slice(MOST - 1);
    const caller = call(
      all
        .slice(0, MOST - 1)
        .map(get)
        .join(''),
      post(last as string, 'a').slice(0, -1),
    );
    await until('all begun', () => begun.length === MOST);
    caller.socket.write(`b${get(all[MOST] as string)}`);
    await until('the body', () => open.length === MOST);
    expect(begun).toHaveLength(MOST);
    for (const finish of open) finish();
    await until('the next', () => begun.length === MOST + 1);
  });

  it('leaves requests beyond the limit unread', async () => {
    holdAnswers();
    const caller = call();
    const burst = get('/x').repeat(2_000);
    await until('the limit', () => {
      caller.socket.write(burst);
      return begun.length === MOST;
    });
    // The kernel takes no more bytes, so the sender notices.
    await until(
      'back-pressure',
      () => {
        if (caller.socket.writableLength < 8_000_000) caller.socket.write(burst);
        return caller.socket.writableLength >= 8_000_000;
      },
      20_000,
    );
    const [socket] = accepted;
    expect(begun).toHaveLength(MOST);
    expect(socket?.readableLength).toBeLessThanOrEqual(2 * 65_536);
    expect(socket?.bytesRead).toBeLessThanOrEqual(2 * 65_536 + 1_000);
  });

  it('begins no request while the caller takes no answers', async () => {
    answer = (request, response) => response.end(`${'x'.repeat(16_000_000)}<${request.url}>`);
    const caller = call();
    caller.socket.pause();
    // One by one, so that each answer is there before the next request.
    for (const path of paths(5)) {
      const before = pipelines[0]?.unsent ?? 0;
      caller.socket.write(get(path));
      await until('the answer, or none', () => (pipelines[0]?.unsent ?? 0) > before || accepted[0]?.isPaused());
    }
    // The first answer is longer than the kernel's buffer, so a part of it is unsent.
    expect(begun).toEqual(['/0']);
    caller.socket.resume();
    await answered(caller, inBrackets(paths(5)));
  });

  it('shares a turn of the event loop among the connections that pipeline', async () => {
    const turnOf: number[] = [];
    let turn = 0;
    let counting = true;
    const count = (): void => {
      turn += 1;
      if (counting) setImmediate(count);
    };
    count();
    answer = (_request, response) => {
      turnOf.push(turn);
      response.end('<>');
    };
    const callers = Array.from({ length: 10 }, () => call(paths(100).map(get).join('')));
    await until('all', () => callers.every((caller) => caller.answers().length === 100));
    counting = false;
    const perTurn = new Map<number, number>();
    for (const at of turnOf) perTurn.set(at, (perTurn.get(at) ?? 0) + 1);
    // The first request of each connection, and as many others as the limit. What the test counts as one turn can hold
    // the end of one turn of the loop and the beginning of the next.
    expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(2 * (10 + MOST));
    expect(perTurn.size).toBeGreaterThan((1000 - 10) / (2 * (10 + MOST)));
  });

  it('answers another caller long before the last of a burst', async () => {
    const burst = call(paths(1_700).map(get).join(''));
    await until('the burst has begun', () => begun.length > 0);
    await answered(call(get('/other')), ['</other>']);
    expect(burst.answers().length).toBeLessThan(1_700);
    await until('the burst', () => burst.answers().length === 1_700);
  });

  it('forgets a caller who goes away in the middle', async () => {
    holdAnswers();
    const caller = call(paths(100).map(get).join(''));
    await until('the limit', () => open.length === MOST);
    caller.socket.resetAndDestroy();
    for (const finish of open.splice(0)) finish();
    await until('closed', () => accepted[0]?.destroyed);
    expect(begun).toHaveLength(MOST);
    answer = (request, response) => response.end(`<${request.url}>`);
    await answered(call(get('/later')), ['</later>']);
  });

  it('begins no request after an answer that closes the connection', async () => {
    answer = (request, response) => {
      response.setHeader('connection', 'close');
      response.end(`<${request.url}>`);
    };
    const caller = call(paths(500).map(get).join(''));
    await until('the end', () => caller.socket.destroyed);
    expect(caller.answers()).toEqual(['</0>']);
    expect(begun.length).toBeLessThanOrEqual(MOST);
  });

  it('knows when it is idle', async () => {
    holdAnswers();
    call(get('/a'), get('/b'));
    await until('both', () => open.length === 2);
    expect([pipelines[0]?.isIdle, pipelines[0]?.wasAsked]).toEqual([false, true]);
    for (const finish of open.splice(0)) finish();
    await until('idle', () => pipelines[0]?.isIdle);
  });
});
