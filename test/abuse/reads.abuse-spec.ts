import { once } from 'node:events';
import { type Server } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CampaignCatalogue } from '../../src/modules/campaigns/campaign-catalogue.js';
import { ClaimStatusLookup } from '../../src/modules/coupons/claim-status.js';
import { UserCoupons } from '../../src/modules/coupons/user-coupons.js';
import { FailedEventOperations } from '../../src/modules/retry/failed-event-operations.js';
import { MetricsRegistry } from '../../src/platform/metrics/metrics-registry.js';
import { Database, type UnitOfWork } from '../../src/ports/database/database.js';
import { UnwatchedGate } from '../../src/ports/gate/unwatched-gate.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';
import { until } from '../support/until.js';

/** Reads of database and gate at once; one of them is kept for operators. */
const CONCURRENCY = 4;
/** Reads that may wait; the rest is refused. */
const MAX_WAITING = 1_000;

const OPERATOR = { authorization: `Bearer ${ADMIN_TOKEN}` };

interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly payload: string;
}

describe('callers who read without end', () => {
  let service: Service;
  let calls: Promise<Answer>[] = [];
  /** Answers so far, in their order, as `status url`. */
  let answered: string[] = [];
  /** Lets every read go on; null: nothing holds reads. */
  let release: (() => void) | null;
  let underWay: number;
  let mostUnderWay: number;
  let reads: number;
  let held: Promise<void> = Promise.resolve();

  beforeAll(async () => {
    service = await startService({ READ_CONCURRENCY: String(CONCURRENCY), DEFAULT_CAMPAIGN_TOTAL: '100000' });
    const database = service.app.get(Database, { strict: false });
    // Only what callers ask for is slow: those who look after the gate read besides, and are not counted here.
    const slow = Object.assign(Object.create(database) as Database, {
      read: async <T>(work: (unit: UnitOfWork) => Promise<T>): Promise<T> => {
        reads += 1;
        underWay += 1;
        mostUnderWay = Math.max(mostUnderWay, underWay);
        try {
          await held;
          return await database.read(work);
        } finally {
          underWay -= 1;
        }
      },
    });
    for (const reader of [ClaimStatusLookup, UserCoupons, CampaignCatalogue, FailedEventOperations]) {
      Object.assign(service.app.get<object>(reader, { strict: false }), { database: slow });
    }
  });

  beforeEach(() => {
    calls = [];
    answered = [];
    release = null;
    underWay = mostUnderWay = reads = 0;
  });

  afterEach(async () => {
    release?.();
    await Promise.allSettled(calls);
  });

  afterAll(() => service.stop());

  /** Without sockets: how many a caller may have is another suite's matter. */
  function call(url: string, headers: Record<string, string> = {}): Promise<Answer> {
    return noted(service.app.inject({ url, headers }), url);
  }

  /** Over a socket, as everything that has a body. */
  function send(method: string, url: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = fetch(`${service.url}${url}`, {
      method,
      headers: { ...type, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = sent.then(async (response) => ({
      statusCode: response.status,
      headers: Object.fromEntries(response.headers),
      payload: await response.text(),
    }));
    return noted(answer, url);
  }

  function noted(answer: Promise<Answer>, url: string): Promise<Answer> {
    calls.push(answer);
    void answer.then(({ statusCode }) => answered.push(`${statusCode} ${url}`));
    return answer;
  }

  /** Who is refused for now, as on a machine that stalls, asks again. */
  const claim = (userId: string): Promise<Answer> =>
    until('a claim that is decided', async () => {
      const answer = await send('POST', '/api/coupons/apply', { userId }, { 'idempotency-key': userId });
      return answer.statusCode === 503 ? null : answer;
    });

  /** Reads that hang, as with a database that is slow, until the places of the public are taken. */
  async function flood(count: number, urlOf: (number: number) => string): Promise<Promise<Answer>[]> {
    held = new Promise((resolve) => (release = resolve));
    const flooding = Array.from({ length: count }, (_, number) => call(urlOf(number)));
    await eventually(() => expect(underWay).toBe(CONCURRENCY - 1));
    return flooding;
  }

  it.each([
    ['claims', (number: number) => `/api/campaigns/default/claims/nobody-${number}`],
    ['coupons', (number: number) => `/api/users/nobody-${number}/coupons`],
    ['campaigns one by one', (number: number) => `/api/campaigns/invented-${number}`],
    [
      'all of these',
      (number: number) =>
        [`/api/campaigns/default/claims/x${number}`, `/api/users/x${number}/coupons`, `/api/campaigns/x${number}`][
          number % 3
        ] as string,
    ],
  ])('have few reads of %s under way, and every claim is answered before them', async (kind, urlOf) => {
    const flooding = await flood(300, urlOf);
    const claims = await Promise.all(
      Array.from({ length: 40 }, (_, number) => claim(`${kind.replaceAll(' ', '-')}-${number}`)),
    );
    expect(claims.map(({ statusCode }) => statusCode)).toEqual(Array<number>(40).fill(202));
    // On a machine that is slow enough some have been told meanwhile that they waited for too long.
    expect(answered.filter((answer) => !answer.includes('/apply') && !answer.startsWith('503'))).toEqual([]);
    release?.();
    const statuses = (await Promise.all(flooding)).map(({ statusCode }) => statusCode);
    expect(statuses.filter((status) => status !== 503).length).toBeGreaterThanOrEqual(CONCURRENCY - 1);
    expect(new Set(statuses)).not.toContain(500);
    expect(mostUnderWay).toBeLessThanOrEqual(CONCURRENCY);
  });

  it('do not keep anybody from health, metrics and documents', async () => {
    void (await flood(300, (number) => `/api/users/u${number}/coupons`));
    for (const url of ['/health/live', '/health/ready', '/docs', '/docs-json']) {
      expect([url, (await call(url)).statusCode]).toEqual([url, 200]);
    }
    const metrics = await call('/metrics');
    expect(metrics.statusCode).toBe(200);
    expect(metrics.payload).toMatch(/^coupon_gate_fenced 0$/m);
  });

  it('do not keep operators from looking and acting, token or not', async () => {
    const audit = '/api/admin/campaigns/default/audit';
    // The operator has acted here within the hour. Otherwise the wrong tokens of this address would close it (ADR 43).
    expect((await call(audit, OPERATOR)).statusCode).toBe(200);
    void (await flood(300, (number) => (number % 2 === 0 ? `/api/users/u${number}/coupons` : audit)));
    // With a token that is none, too.
    for (let number = 0; number < 100; number++) void call(audit, { authorization: 'Bearer wrong' });
    for (const action of ['pause', 'resume']) {
      const url = `/api/admin/campaigns/default/${action}`;
      expect([action, (await send('POST', url, undefined, OPERATOR)).statusCode]).toEqual([action, 200]);
    }
    expect((await call(audit, OPERATOR)).statusCode).toBe(200);
    // This one asks as the crowd does, and has a place of its own.
    const looking = call('/api/admin/failed-events', OPERATOR);
    await eventually(() => expect(underWay).toBe(CONCURRENCY));
    release?.();
    expect((await looking).statusCode).toBe(200);
    expect(mostUnderWay).toBe(CONCURRENCY);
  });

  it('are told to come back later where too many wait, and those who wait are answered', async () => {
    const beyond = 50;
    const places = CONCURRENCY - 1 + MAX_WAITING;
    const flooding = await flood(places, (number) => `/api/users/u${number}/coupons`);
    const refused = await Promise.all(Array.from({ length: beyond }, () => call('/api/users/u/coupons')));
    for (const { statusCode, headers, payload } of refused) {
      expect([statusCode, headers['content-type']]).toEqual([503, 'application/problem+json']);
      expect(JSON.parse(payload)).toMatchObject({ code: 'busy', status: 503 });
      expect(['1', '2', '3']).toContain(headers['retry-after']);
    }
    expect((await claim('while-busy')).statusCode).toBe(202);
    release?.();
    const statuses = (await Promise.all(flooding)).map(({ statusCode }) => statusCode);
    // On a slow machine some may have waited for too long.
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(CONCURRENCY - 1);
    expect((await call('/api/users/u/coupons')).statusCode).toBe(200);
  });

  it('are not worked for once they have hung up, and those who do not read keep no place', async () => {
    void (await flood(CONCURRENCY - 1, (number) => `/api/users/u${number}/coupons`));
    let arrived = 0;
    const server = service.app.getHttpServer() as Server;
    const count = () => (arrived += 1);
    server.on('request', count);
    const { hostname, port } = new URL(service.url);
    const connections = () => new Promise<number>((resolve) => server.getConnections((_, open) => resolve(open)));
    const before = await connections();
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect(Number(port), hostname);
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        socket.write('GET /api/users/gone/coupons HTTP/1.1\r\nHost: x\r\n\r\n');
        return socket;
      }),
    );
    await eventually(() => expect(arrived).toBe(20));
    for (const socket of sockets) socket.destroy();
    await eventually(async () => expect(await connections()).toBeLessThanOrEqual(before));
    release?.();
    expect((await call('/api/users/u/coupons')).statusCode).toBe(200);
    expect(reads).toBe(CONCURRENCY);

    // 1.6 MB each, of which the kernel takes a part: the rest waits in the process for callers who never come for it.
    const idle = await Promise.all(
      Array.from({ length: 3 * CONCURRENCY }, async () => {
        const socket = connect(Number(port), hostname);
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        socket.pause();
        socket.write('GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4));
        return socket;
      }),
    );
    await eventually(() => expect(arrived).toBeGreaterThanOrEqual(20 + idle.length));
    expect((await call('/metrics')).statusCode).toBe(200);
    for (const socket of idle) socket.destroy();
    server.off('request', count);
  });

  describe('at the campaigns', () => {
    const CAMPAIGNS = 150;
    let asked: Map<string, number>;

    beforeAll(async () => {
      for (let number = 0; number < CAMPAIGNS; number++) {
        const answer = await send('POST', '/api/admin/campaigns', { name: `쿠폰 ${number}`, total: 5 }, OPERATOR);
        expect(answer.statusCode).toBe(201);
      }
      const gate = service.app.get(UnwatchedGate, { strict: false });
      const gauge = gate.gauge.bind(gate);
      gate.gauge = (pass, ids) => {
        for (const id of ids) asked.set(id, (asked.get(id) ?? 0) + 1);
        return gauge(pass, ids);
      };
    });

    /** How often something that happens once a second may have happened since. */
    const seconds = (from: number) => Math.ceil((performance.now() - from) / 1_000) + 1;

    it('ask gate and database once a second for all of them', async () => {
      asked = new Map();
      const from = performance.now();
      const urls = ['/api/campaigns?limit=1000', '/api/campaigns', '/api/campaigns/default', '/api/campaigns?limit=7'];
      const answers = await Promise.all(Array.from({ length: 400 }, (_, at) => call(urls[at % urls.length] as string)));
      expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
      expect(JSON.parse(answers[0]?.payload ?? '')).toMatchObject({ nextCursor: null });
      expect(JSON.parse(answers[0]?.payload ?? '').items.length).toBe(CAMPAIGNS + 1);
      const windows = seconds(from);
      // For the list, for the one campaign, and now and then by those who look after the gate.
      expect(Math.max(...asked.values())).toBeLessThanOrEqual(4 * windows);
      expect(reads).toBeLessThanOrEqual(2 * windows);
    });

    it('see what this process has changed at once, however many look', async () => {
      asked = new Map();
      const created = await send('POST', '/api/admin/campaigns', { name: 'first', total: 5 }, OPERATOR);
      const { id } = JSON.parse(created.payload) as { id: string };
      const url = `/api/campaigns/${id}`;
      for (let version = 1; version <= 5; version++) {
        for (let looking = 0; looking < 20; looking++) void call(url);
        const seen = await call(url);
        expect([seen.headers.etag, JSON.parse(seen.payload).version]).toEqual([`"${version}"`, version]);
        const [newest] = JSON.parse((await call('/api/campaigns?limit=1')).payload).items;
        expect(newest).toMatchObject({ id, version, total: 5 + version - 1 });
        const changed = await send(
          'PATCH',
          `/api/admin/campaigns/${id}`,
          { total: 5 + version },
          { ...OPERATOR, 'if-match': String(seen.headers.etag) },
        );
        expect([changed.statusCode, changed.headers.etag]).toEqual([200, `"${version + 1}"`]);
      }
    });
  });

  it('have metrics collected once a second for all of them', async () => {
    const registry = service.app.get(MetricsRegistry, { strict: false });
    const metrics = registry.metrics.bind(registry);
    let collected = 0;
    registry.metrics = () => {
      collected += 1;
      return metrics();
    };
    const from = performance.now();
    const answers = await Promise.all(Array.from({ length: 200 }, () => call('/metrics')));
    const windows = Math.ceil((performance.now() - from) / 1_000) + 1;
    registry.metrics = metrics;
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    expect(collected).toBeLessThanOrEqual(windows);
  });
});
