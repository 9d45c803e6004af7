import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { CounterPublisher } from '../../src/modules/live/counter-publisher.js';
import { EventStreams } from '../../src/platform/http/streams/event-streams.js';
import { Client } from '../support/client.js';
import { EventSource } from '../support/event-source.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';
import { until } from '../support/until.js';

const LIVE = '/api/campaigns/default/live';

describe('callers who watch', () => {
  let service: Service;
  let client: Client;
  const open: EventSource[] = [];
  const start = async (...parameters: Parameters<typeof startService>) => {
    service = await startService(...parameters);
    client = new Client(service.url);
  };
  const watch = async (headers: Record<string, string> = {}, path = LIVE) => {
    const source = await EventSource.open(`${service.url}${path}`, headers);
    open.push(source);
    return source;
  };
  afterEach(async () => {
    for (const source of open.splice(0)) source.close();
    await service.stop();
  });

  it('take no place among the reads', async () => {
    await start({ READ_CONCURRENCY: '1' });
    const sources = await Promise.all(Array.from({ length: 30 }, () => watch()));
    for (const source of sources) await source.find('a sample', () => true);
    expect((await client.get('/api/campaigns/default')).status).toBe(200);
    expect((await client.get('/api/users/u1/coupons')).status).toBe(200);
    expect((await client.claim('u1')).status).toBe(202);
    for (const source of sources) await source.find('the claim', ({ data }) => data.remaining < 100);
  });

  it('are told how long to wait when there are too many', async () => {
    await start({ LIVE_MAX_WATCHERS: '2' });
    await Promise.all([watch(), watch()]);
    const { status, headers, body } = await client.get(LIVE);
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'too-many-watchers', '30']);
    expect((await client.get('/metrics')).body).toMatch(/^coupon_live_refused_total 1$/m);
    expect((await client.get('/metrics')).body).toMatch(/^coupon_live_watchers\{kind="public"\} 2$/m);
  });

  it('are no slow requests, and are not cut off while they take what is sent', async () => {
    await start({}, { write: 300, checkInterval: 50, request: 400, headers: 400 });
    const source = await watch({ authorization: `Bearer ${ADMIN_TOKEN}` }, '/api/admin/live?campaignId=default');
    await source.find('three samples', ({ id }) => Number(id) > Number(source.events[0]?.id) + 2_500);
    expect(source.ended).toBe(false);
    source.close();
    await until('it has left', () => service.app.get(EventStreams).size('operator') === 0);
    expect((await client.get('/metrics')).body).not.toMatch(/duration_seconds.*route="\/api\/admin\/live"/);
  });

  it('see nothing more once their key is revoked, or they have signed out', async () => {
    await start();
    const path = '/api/admin/live?campaignId=default';
    const { body: key } = await client.admin('POST', '/api/admin/keys', { body: { name: 'a screen', role: 'viewer' } });
    const signedIn = await client.send('POST', '/api/admin/session', {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    expect(signedIn.status).toBe(201);
    const byKey = await watch({ authorization: `Bearer ${key.key}` }, path);
    const byCookie = await watch({ cookie }, path);
    for (const source of [byKey, byCookie]) await source.find('a sample', () => true);
    await service.app.get(EventStreams).judge();
    for (const source of [byKey, byCookie]) expect(source.ended).toBe(false);
    expect((await client.admin('DELETE', `/api/admin/keys/${key.id}`)).status).toBe(200);
    const headers = { cookie, origin: service.url, 'x-requested-with': 'console' };
    expect((await client.send('DELETE', '/api/admin/session', { headers })).status).toBe(204);
    await until('both ends', async () => {
      await service.app.get(EventStreams).judge();
      return byKey.ended && byCookie.ended;
    });
  });

  it('have nothing else to ask on their connection', async () => {
    await start();
    const claim = JSON.stringify({ userId: 'behind' });
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.write(
      `GET ${LIVE} HTTP/1.1\r\nHost: x\r\n\r\n` +
        `POST /api/coupons/apply HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${claim.length}\r\n\r\n${claim}`,
    );
    // What they send would stay in memory for as long as they watch.
    await until('the end', () => socket.destroyed);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).not.toContain('data: ');
    expect((await client.claim('another')).status).toBe(202);
    const couponsOf = async (user: string) => (await client.get(`/api/users/${user}/coupons`)).body.items;
    await until('the coupon of a later claim', async () => (await couponsOf('another')).length === 1);
    // It would have been carried out, and its answer would have come when the stream ends.
    expect(await couponsOf('behind')).toEqual([]);
  });

  it('lose their place when they send more', async () => {
    await start();
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.on('error', () => undefined);
    socket.write(`GET ${LIVE} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until('a sample', () => text.includes('data: '));
    socket.write('GET / HTTP/1.1\r\nX: ');
    await until('the end', () => socket.destroyed);
    await until('it has left', () => service.app.get(EventStreams).size('public') === 0);
  });

  it('have hung up when they close their half of the connection', async () => {
    await start();
    const port = Number(new URL(service.url).port);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => (text += part));
    socket.write(`GET ${LIVE} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await until('a sample', () => text.includes('data: '));
    expect(service.app.get(EventStreams).size('public')).toBe(1);
    socket.end();
    await until('it has left', () => service.app.get(EventStreams).size('public') === 0);
    socket.destroy();
  });

  it('do not hold up a stop, and are told when to connect again', async () => {
    await start();
    const sources = await Promise.all(Array.from({ length: 50 }, () => watch()));
    for (const source of sources) await source.find('a sample', () => true);
    const began = performance.now();
    await service.app.close();
    // Without an end of the streams the port would wait five seconds for them.
    expect(performance.now() - began).toBeLessThan(4_500);
    for (const { response, ended } of sources) expect([ended, response.complete]).toEqual([true, true]);
    expect(service.app.get(CounterPublisher).installation).not.toBeNull();
  });
});
