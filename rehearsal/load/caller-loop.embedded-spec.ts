import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { NO_ANSWER } from '../../oracle/told.js';
import { type CallMix, type Manner, planCalls } from './call-plan.js';
import { callsOf, promisesIn, type RecordedCall } from './call-records.js';
import { CallerLoop } from './caller-loop.js';
import { now } from './clock.js';
import { RequestTexts } from './request-texts.js';

const STALL_MS = 500;
const MIX: CallMix = {
  users: 1_000,
  arrival: { kind: 'steady', seconds: 2 },
  duplicates: 0,
  slowClients: 0,
  hangUps: 0,
  think: { least: 1, most: 5 },
  seed: 1,
};

/** A request as the stand-in for the service has received it. */
interface Received {
  readonly path: string;
  readonly key: string | undefined;
  readonly user: string;
  /** From the first byte of the request to its last one, ms. */
  readonly ms: number;
  readonly count: number;
}

describe('the calls of one thread', () => {
  const servers: { close(): void }[] = [];
  afterEach(() => servers.splice(0).forEach((server) => server.close()));

  async function runAgainst(
    answer: (received: Received, response: ServerResponse, request: IncomingMessage) => void,
    mix: Partial<CallMix> = {},
    { connections = 4, stopAfter = Infinity, tries = 3 } = {},
  ): Promise<{ calls: RecordedCall[]; received: Received[]; loop: CallerLoop }> {
    const received: Received[] = [];
    const server = createServer((request, response) => {
      const begun = performance.now();
      let body = '';
      request.on('data', (piece: Buffer) => (body += piece.toString()));
      request.once('end', () => {
        const { url: path = '', headers } = request;
        const user = body === '' ? '' : (JSON.parse(body) as { userId: string }).userId;
        const key = headers['idempotency-key'] as string | undefined;
        const one = { path, key, user, ms: performance.now() - begun, count: received.length + 1 };
        received.push(one);
        if (received.length === stopAfter) loop.stop();
        answer(one, response, request);
      });
    });
    servers.push({ close: () => server.close().closeAllConnections() });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const all = { ...MIX, ...mix };
    const settings = { targets: [{ host: '127.0.0.1', port }], plan: planCalls(all), think: all.think, seed: 1 };
    const facts = { host: `127.0.0.1:${port}`, basePath: '/base', campaignId: 'c', userPrefix: 'u', key: 'secret' };
    const texts = new RequestTexts(facts);
    const loop = new CallerLoop({ ...settings, connections, tries, lookEvery: 10 }, texts);
    await loop.connect();
    await loop.run(now() + 50);
    return { calls: callsOf(loop.results().records, (user) => texts.userId(user)), received, loop };
  }

  const send = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) => {
    const text = JSON.stringify(body);
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
  };
  const accept = ({ path, user, count }: Received, response: ServerResponse) => {
    const claim = { claimId: `c-${user}`, sequence: count, claimedAt: new Date(count).toISOString() };
    if (path.includes('/claims/')) send(response, 200, { ...claim, claimId: 'of the status' });
    else send(response, 202, claim);
  };
  const timesOf = (calls: readonly RecordedCall[]) =>
    calls.map(({ at, ms, due }) => at + ms - due).sort((a, b) => a - b);

  it('are each made once, with what the answers told', async () => {
    const { calls, received, loop } = await runAgainst(accept, { users: 200, arrival: { kind: 'burst' } });
    expect(calls).toHaveLength(200);
    expect(new Set(calls.map(({ word }) => word))).toEqual(new Set(['202']));
    expect(promisesIn(calls)).toHaveLength(200);
    expect(calls.every(({ userId, claim }) => claim?.claimId === `c-${userId}`)).toBe(true);
    // Of ten winners one asks for the status right away.
    const looks = received.filter(({ path }) => /^\/base\/api\/campaigns\/c\/claims\/u\d+$/.test(path));
    expect(looks).toHaveLength(20);
    expect(loop.results().looks).toHaveLength(20);
    expect(loop.results().looks[0]).toMatchObject({ status: 200, shown: 'of the status' });
  });

  it('show a stall in all that were due during it, not only in those that were under way', async () => {
    let stalledUntil = -Infinity;
    const { calls, loop } = await runAgainst((received, response) => {
      if (received.count === 250) stalledUntil = performance.now() + STALL_MS;
      // Four connections: in a closed loop only four of a thousand calls would take long.
      setTimeout(() => accept(received, response), Math.max(0, stalledUntil - performance.now()));
    });
    const times = timesOf(calls);
    expect(times[Math.floor(times.length * 0.9)]).toBeGreaterThan(STALL_MS * 0.2);
    expect(times.at(-1)).toBeGreaterThanOrEqual(STALL_MS - 2);
    // So does what is shown meanwhile.
    expect(loop.progress().recent.percentile(0.9)).toBeGreaterThan(STALL_MS * 0.2);
  });

  it('are made again by users who are told to come back, with the same key, and not before the time that was said', async () => {
    const { calls, received } = await runAgainst(
      ({ count, ...received }, response) => {
        if (count === 1) send(response, 503, { code: 'issuer-unavailable' }, { 'retry-after': '1' });
        else accept({ count, ...received }, response);
      },
      { users: 1 },
    );
    expect(calls.map(({ word }) => word)).toEqual(['503 issuer-unavailable', '202']);
    expect(calls[1]!.due - (calls[0]!.at + calls[0]!.ms)).toBeGreaterThanOrEqual(1_000);
    const claims = received.filter(({ user }) => user !== '');
    expect(new Set(claims.map(({ key }) => key))).toEqual(new Set(['u0']));
  });

  it('are given up after as many tries as were asked for', async () => {
    const unavailable = (_: Received, response: ServerResponse) => send(response, 503, { code: 'busy' });
    const { calls } = await runAgainst(unavailable, { users: 5, arrival: { kind: 'burst' } }, { tries: 2 });
    expect(calls).toHaveLength(10);
  });

  it('have no answer if the connection breaks, and go on with another one', async () => {
    const { calls } = await runAgainst(
      (received, response) => (received.count === 3 ? response.destroy() : accept(received, response)),
      { users: 20 },
      { connections: 1 },
    );
    expect(calls.filter(({ word }) => word === NO_ANSWER)).toHaveLength(1);
    // The user who had none has asked again.
    expect(new Set(calls.filter(({ word }) => word === '202').map(({ userId }) => userId)).size).toBe(20);
  });

  it('survive a server that closes each connection after its answer', async () => {
    const { calls } = await runAgainst(
      (received, response) => {
        response.setHeader('connection', 'close');
        accept(received, response);
      },
      { users: 20, arrival: { kind: 'burst' } },
    );
    expect(new Set(calls.map(({ word }) => word))).toEqual(new Set(['202']));
    expect(calls).toHaveLength(20);
  });

  it('come slowly, or hang up, or come from another tab, where that was asked for', async () => {
    const mix = { users: 30, arrival: { kind: 'burst' }, duplicates: 1, slowClients: 0.2, hangUps: 0.2 } as const;
    const { calls, received } = await runAgainst(accept, mix);
    const of = (manner: Manner) => calls.filter((call) => call.manner === manner);
    for (const manner of ['press', 'again', 'other-tab', 'slow', 'hang-up'] as const) {
      expect(of(manner)).not.toEqual([]);
    }
    // The time of a slow call begins with its last byte: before that nobody could execute it.
    for (const { ms, at, due } of of('slow')) {
      expect(at - due).toBeGreaterThan(1_000);
      expect(ms).toBeLessThan(1_000);
    }
    expect(received.some(({ ms }) => ms > 100)).toBe(true);
    expect(received.some(({ key }) => key?.endsWith('-other-tab') === true)).toBe(true);
    expect(received.every(({ key, user }) => user === '' || key === user || key === `${user}-other-tab`)).toBe(true);
  });

  it('that are under way when it is broken off have no answer, and those that were not made are not there', async () => {
    const silence = () => undefined;
    const { calls } = await runAgainst(silence, { users: 50, arrival: { kind: 'burst' } }, { stopAfter: 4 });
    expect(calls).toHaveLength(4);
    expect(calls.every(({ word, ms }) => word === NO_ANSWER && ms >= 0)).toBe(true);
  });
});
