import { afterEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../../stack/server-process.js';
import { type Backend, openBackend } from '../support/backend.js';
import { Client, tally } from '../support/client.js';
import { claimRequest, getRequest, RawCaller } from '../support/raw-caller.js';
import { ServiceProcess } from '../support/service-process.js';
import { type Service, startService } from '../support/service.js';
import { until } from '../support/until.js';

/** Of the process under test: `MAX_CONNECTIONS` follows from it. */
const DESCRIPTORS = 600;
const MOST = DESCRIPTORS - 256;

describe('callers with more connections than the process has descriptors', () => {
  let backend: Backend;
  let service: ServiceProcess;
  let url: string;
  const callers: RawCaller[] = [];

  afterEach(async () => {
    for (const caller of callers.splice(0)) caller.end();
    await service.end('SIGKILL');
    await backend.remove();
  });

  const start = async (env: Record<string, string> = {}): Promise<void> => {
    backend = await openBackend();
    const port = await freePort();
    service = await ServiceProcess.start(backend, port, { LOG_FORMAT: 'json', ...env }, undefined, DESCRIPTORS);
    url = `http://127.0.0.1:${port}`;
  };
  const connect = async (count: number, request: string): Promise<void> => {
    // Some at a time: a port has a queue of its own, which is the kernel's.
    for (let made = 0; made < count; made += 50) {
      const some = await Promise.all(Array.from({ length: Math.min(50, count - made) }, () => RawCaller.connect(url)));
      for (const caller of some) caller.send(request);
      callers.push(...some);
    }
  };
  const once = async (path: string): Promise<number> => (await new Client(url).withFreshConnections().get(path)).status;
  const metric = async (line: string): Promise<number> => {
    const { body } = await new Client(url).withFreshConnections().get('/metrics');
    return Number(
      String(body)
        .split('\n')
        .find((text) => text.startsWith(`${line} `))
        ?.slice(line.length + 1),
    );
  };

  it('lose those that are idle, and others are served', async () => {
    await start();
    expect(await metric('coupon_http_connections_max')).toBe(MOST);
    await connect(2 * DESCRIPTORS, getRequest('/health/live'));
    await until('an answer to each', async () => {
      // This process stalled between connecting and sending.
      const late = callers.filter(({ statuses }) => statuses[0] === 408);
      for (const caller of late) callers.splice(callers.indexOf(caller), 1);
      await connect(late.length, getRequest('/health/live'));
      return callers.every(({ statuses, closed }) => closed || statuses.length === 1);
    });
    expect(tally(callers.flatMap(({ statuses }) => statuses))).toEqual({ 200: 2 * DESCRIPTORS });
    expect(await once('/health/live')).toBe(200);
    expect(await once('/health/ready')).toBe(200);
    expect((await new Client(url).withFreshConnections().claim('honest')).status).toBe(202);
    await until(
      'the count',
      async () => (await metric('coupon_http_connections_shed_total{reason="idle"}')) >= 2 * DESCRIPTORS - MOST,
    );
    expect(await metric('coupon_http_connections')).toBeLessThanOrEqual(MOST + 64);
    await service.printed(/closed \d+ connections \(idle \d+\); \d+ are open, 344 may be/);
    expect(service.text.match(/closed \d+ connections/g)).toHaveLength(1);
  });

  it('are told so while none is idle, and health is answered', async () => {
    await start();
    await until('all are taken', async () => {
      const ended = callers.filter(({ closed }) => closed).length;
      // Bodies that do not come: each is a request under way until its time is over, and another one takes its place.
      await connect(MOST - callers.length + ended, claimRequest('slow', 'default').slice(0, -1));
      return (await once('/api/campaigns')) === 503;
    });
    expect([await once('/health/live'), await once('/health/ready')]).toEqual([200, 200]);
    // The metrics may be as old as a second.
    await until('a count', async () => (await metric('coupon_http_connections_shed_total{reason="full"}')) > 0);
    // And when they have been refused for their slowness, there is room again.
    await until('room', async () => (await once('/api/campaigns')) === 200);
  });

  it('are fewer of one address where MAX_CONNECTIONS_PER_ADDRESS says so', async () => {
    await start({ MAX_CONNECTIONS_PER_ADDRESS: '20' });
    await connect(100, getRequest('/api/campaigns'));
    await until('an answer to each', () => callers.every(({ statuses, closed }) => closed || statuses.length === 1));
    const answered = callers.filter(({ statuses }) => statuses[0] === 200).length;
    expect(answered).toBeGreaterThan(0);
    // The test's own connections are of the same address.
    expect(answered).toBeLessThanOrEqual(20);
    expect(await once('/health/live')).toBe(200);
    await until(
      'the count',
      async () => (await metric('coupon_http_connections_shed_total{reason="address"}')) === 100 - answered,
    );
  });
});

describe('a connection that is kept alive', () => {
  let service: Service;
  afterEach(() => service.stop());

  it('is closed after KEEP_ALIVE_MS, which the answer says', async () => {
    service = await startService({ KEEP_ALIVE_MS: '1000' });
    const { headers } = await new Client(service.url).get('/health/live');
    expect(headers.get('keep-alive') ?? 'timeout=1').toBe('timeout=1');
    const caller = await RawCaller.connect(service.url);
    caller.send(getRequest('/health/live'));
    await until('the end', () => caller.closed);
    expect(caller.statuses).toEqual([200]);
  });

  it('may outlive a balancer with 600 s', async () => {
    service = await startService({ KEEP_ALIVE_MS: '660000' });
    expect(service.app.getHttpServer()).toMatchObject({ keepAliveTimeout: 660_000 });
  });
});
