import { resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../../stack/server-process.js';
import { type Backend, openBackend, TOPOLOGY } from '../support/backend.js';
import { Client, inParallel } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { OtlpReceiver } from '../support/otlp-receiver.js';
import { ServiceProcess } from '../support/service-process.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const sampled = (traceId = TRACE) => ({ traceparent: `00-${traceId}-${CALLER}-01` });

/** Prints on a signal which packages of OpenTelemetry the process has loaded. */
const SAY_LOADED = `data:text/javascript,${encodeURIComponent(`
  import { Module } from 'node:module';
  process.on('SIGUSR2', () => {
    const files = Object.keys(Module._cache).map((file) => /@opentelemetry\\/([^/]+)/.exec(file)?.[1]);
    console.log('loaded: ' + [...new Set(files)].filter((name) => name !== undefined).join(' ') + ' end');
  });
`)}`;

describe('traces', () => {
  let receiver: OtlpReceiver;
  let backend: Backend;
  let service: ServiceProcess;
  let client: Client;

  beforeAll(async () => {
    receiver = await OtlpReceiver.start();
  });
  afterAll(() => receiver.stop());
  beforeEach(async () => {
    receiver.spans.length = 0;
    receiver.headers.length = 0;
    receiver.status = 200;
    backend = await openBackend();
  });
  afterEach(async () => {
    await service.end('SIGKILL');
    await backend.remove();
  });

  const start = async (env: Record<string, string> = {}, args?: readonly string[]) => {
    const port = await freePort();
    client = new Client(`http://127.0.0.1:${port}`);
    const exporter = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_SAMPLER_ARG: '0' };
    service = await ServiceProcess.start(backend, port, { LOG_FORMAT: 'json', ...exporter, ...env }, args);
  };
  const issued = (campaign: string, count: number) =>
    eventually(async () => expect(await client.audit(campaign)).toMatchObject({ rows: count, pending: 0 }));

  it('follow a claim from the caller’s span to the row', async () => {
    await start({ ACCESS_LOG: 'all', OTEL_SERVICE_NAME: 'coupons-of-a-shop' });
    const campaign = await client.createCampaign(5);
    expect((await client.claim('traced', campaign, sampled())).status).toBe(202);
    expect((await client.claim('untraced', campaign)).status).toBe(202);
    await issued(campaign, 2);
    expect(await service.end('SIGTERM')).toBe(0);

    const trace = receiver.trace(TRACE);
    const request = trace['POST /api/coupons/apply'];
    expect(request).toMatchObject({
      parentSpanId: CALLER,
      failed: false,
      resource: { 'service.name': 'coupons-of-a-shop' },
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/api/coupons/apply',
        'http.response.status_code': 202,
        'coupon.campaign_id': campaign,
        'coupon.outcome': 'accepted',
        'coupon.sequence': 1,
      },
    });
    const gate = trace['gate claim'];
    expect(gate).toMatchObject({ parentSpanId: request?.spanId, attributes: { 'coupon.gate_outcome': 'admitted' } });
    const publish = trace['publish claim'];
    expect(publish?.parentSpanId).toBe(request?.spanId);
    expect(publish?.endedAt).toBeGreaterThan(gate?.startedAt ?? 0n);

    // What many claims go through together has a trace of its own, with links.
    const linked = (name: string) => receiver.spans.filter((span) => span.name === name);
    const toPublish = [{ traceId: TRACE, spanId: publish?.spanId }];
    expect(linked(TOPOLOGY === 'embedded' ? 'journal append' : 'kafka produce')).toEqual([
      expect.objectContaining({ parentSpanId: '', links: toPublish }),
    ]);
    const [consumed] = linked('consume claims');
    expect(consumed).toMatchObject({ parentSpanId: '', links: toPublish });
    expect(consumed?.events).toEqual([
      {
        name: 'claim issued',
        attributes: { 'coupon.campaign_id': campaign, 'coupon.sequence': 1, 'coupon.trace_id': TRACE },
      },
    ]);
    expect(linked('persist claims')).toEqual([
      expect.objectContaining({ traceId: consumed?.traceId, parentSpanId: consumed?.spanId, failed: false }),
    ]);
    if (TOPOLOGY !== 'embedded') {
      expect(linked('redis claim-batch')).toEqual([
        expect.objectContaining({ links: [{ traceId: TRACE, spanId: gate?.spanId }] }),
      ]);
      expect(trace['confirm epoch']?.parentSpanId).toBe(request?.spanId);
    }

    const [rebuild] = linked('rebuild gate');
    expect(rebuild).toMatchObject({
      parentSpanId: '',
      failed: false,
      attributes: { 'coupon.epoch': expect.any(Number) },
    });
    expect(rebuild?.events.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['leased', 'cut-stored', 'metas-written']),
    );

    const line = service.text.split('\n').find((text) => text.includes('/api/coupons/apply'));
    expect(JSON.parse(line ?? '')).toMatchObject({ trace_id: TRACE, span_id: request?.spanId });
    expect(service.text.split(TRACE)).toHaveLength(2);
    expect(
      JSON.stringify(receiver.spans, (_key, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).not.toContain('traced"');
  });

  it('begin where the caller’s span is sampled, and otherwise by the ratio', async () => {
    await start({ OTEL_TRACES_SAMPLER_ARG: '1' });
    const campaign = await client.createCampaign(100);
    const unsampled = { traceparent: `00-${'a'.repeat(32)}-${CALLER}-00` };
    await client.claim('of an unsampled caller', campaign, unsampled);
    await client.claim('no-parent', campaign);
    for (const traceparent of [
      '',
      '00-',
      `00-${'0'.repeat(32)}-${CALLER}-01`,
      `ff-${TRACE}-${CALLER}-01`,
      'x'.repeat(300),
    ]) {
      await client.claim('no-parent', campaign, { traceparent });
    }
    await client.get('/health/live');
    await service.end('SIGTERM');
    const claims = receiver.spans.filter(({ name }) => name === 'POST /api/coupons/apply');
    expect(claims).toHaveLength(6);
    for (const { traceId, parentSpanId } of claims) {
      expect(parentSpanId).toBe('');
      expect(traceId).not.toMatch(/^(?:a+|0+)$/);
    }
    expect(receiver.spans.map(({ name }) => name)).not.toContain('GET /health/live');
  });

  it('are never a problem for claims while the receiver is away or refuses, and say so once', async () => {
    await start({
      OTEL_TRACES_SAMPLER_ARG: '1',
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_EXPORTER_OTLP_TIMEOUT: '100',
    });
    const campaign = await client.createCampaign(300);
    const users = Array.from({ length: 300 }, (_, n) => `u-${n}`);
    const answers = await inParallel(users, 30, (user) => client.claim(user, campaign));
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(300);
    await service.printed(/traces are not exported/);
    await issued(campaign, 300);
    expect(await service.end('SIGTERM')).toBe(0);
    expect(service.text.match(/traces are not exported/g)).toHaveLength(1);
  });

  it('are named by the metrics, to a scrape that asks for OpenMetrics', async () => {
    await start();
    await client.claim('traced', 'default', sampled());
    const scrape = (accept: string) => client.get('/metrics', { accept });
    const open = await eventually(async () => {
      const found = await scrape('application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3');
      expect(found.body).toContain(`# {trace_id="${TRACE}"} `);
      return found;
    });
    expect(open.headers.get('content-type')).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(open.body).toMatch(/_bucket\{le="[^"]+",method="POST",route="\/api\/coupons\/apply",status="202"\} 1 # \{/);
    const plain = await scrape('text/plain');
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(plain.body).not.toContain(TRACE);
  });

  it('send the headers that the variables name, also from a file', async () => {
    await start({ OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20for-the-receiver' });
    await client.get('/api/campaigns/default', sampled());
    await service.end('SIGTERM');
    expect(receiver.headers.map(({ authorization }) => authorization)).toEqual(['Bearer for-the-receiver']);
    expect(service.text).not.toContain('for-the-receiver');
  });

  it('load no package of the SDK where no receiver is named', async () => {
    const args = ['--import', SAY_LOADED, resolve('dist/main.js')];
    const loaded = async (env: Record<string, string>) => {
      await start(env, args);
      await client.claim('anybody', 'default', sampled());
      process.kill(service.pid, 'SIGUSR2');
      await service.printed(/loaded: .* end/);
      return /loaded: (.*) end/.exec(service.text)?.[1]?.split(' ');
    };
    expect(await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toEqual(['api']);
    await service.end('SIGKILL');
    expect(await loaded({ OTEL_SDK_DISABLED: 'true' })).toEqual(['api']);
    await service.end('SIGKILL');
    expect(await loaded({})).toEqual(expect.arrayContaining(['api', 'sdk-trace', 'exporter-trace-otlp-http']));
  });
});
