import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../../stack/server-process.js';
import { Client } from '../support/client.js';
import { ServiceProcess } from '../support/service-process.js';

/** Runs in the process before the service, and misbehaves on a signal as a library might. */
const MISBEHAVE = `data:text/javascript,${encodeURIComponent(`
  process.on('SIGUSR2', () => {
    process.emitWarning('outdated', { type: 'DeprecationWarning', code: 'X1' });
    console.error('said %s', 'past the logger');
    setTimeout(() => void Promise.reject(new Error('nobody\\nhandles it')), 20);
  });
`)}`;

interface Line {
  readonly timestamp: string;
  readonly level: string;
  readonly message: string;
  readonly event?: string;
  readonly [field: string]: unknown;
}

describe('the log of a process', () => {
  let directory: string;
  const started: ServiceProcess[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-logs-'));
  });
  afterEach(async () => {
    for (const service of started.splice(0)) await service.end('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const spawn = (env: Record<string, string> = {}, args?: readonly string[]) => {
    const service = ServiceProcess.spawn({ DATA_DIR: directory, PORT: '0', ...env }, args);
    started.push(service);
    return service;
  };
  /** Everything that it wrote, on both streams. Throws where a line is not JSON. */
  const lines = ({ text }: ServiceProcess) =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);

  it('is JSON from the first line to the last if standard output is no terminal', async () => {
    const service = spawn({ LOG_LEVEL: 'verbose' });
    await service.printed(/service\.started/);
    await service.end('SIGTERM');
    const written = lines(service);
    expect(written.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['service.started', 'service.stopping', 'service.stopped']),
    );
    for (const { timestamp, level } of written) {
      expect(new Date(timestamp).toISOString()).toBe(timestamp);
      expect(['fatal', 'error', 'warn', 'info', 'debug', 'verbose']).toContain(level);
    }
  });

  it('has what libraries write to the console, and the error that ends a process', async () => {
    const service = spawn({}, ['--import', MISBEHAVE, resolve('dist/main.js')]);
    await service.printed(/service\.started/);
    process.kill(service.pid, 'SIGUSR2');
    expect(await service.exit()).toBe(1);
    const written = lines(service);
    expect(written).toContainEqual(
      expect.objectContaining({ level: 'warn', event: 'process.warning', message: 'outdated', code: 'X1' }),
    );
    expect(written).toContainEqual(expect.objectContaining({ level: 'error', message: 'said past the logger' }));
    expect(written.at(-1)).toMatchObject({
      level: 'fatal',
      event: 'process.crashed',
      origin: 'unhandledRejection',
      error: { message: 'nobody\nhandles it', stack: expect.any(String) },
    });
  });

  it('says once when a campaign was sold out, also after a kill -9', async () => {
    const port = await freePort();
    const client = new Client(`http://127.0.0.1:${port}`);
    const start = async () => {
      const service = spawn({ PORT: String(port), DEFAULT_CAMPAIGN_TOTAL: '1' });
      await service.printed(/service\.started/);
      return service;
    };
    const first = await start();
    const { claimedAt } = (await client.claim('a')).body;
    await first.printed(/campaign\.sold-out/);
    await first.printed(/campaign\.opened/);
    await first.end('SIGKILL');
    const soldOut = lines(first).filter(({ event }) => event === 'campaign.sold-out');
    expect(soldOut).toEqual([expect.objectContaining({ campaignId: 'default', total: 1, soldOutAt: claimedAt })]);

    const second = await start();
    expect((await client.get('/api/campaigns/default')).body.soldOutAt).toBe(claimedAt);
    expect((await client.claim('b')).body.code).toBe('sold-out');
    await second.end('SIGTERM');
    expect(second.text).not.toMatch(/campaign\.(sold-out|created|opened)/);
  });

  it('has a line for a request only if ACCESS_LOG asks for it, and never its query or its token', async () => {
    for (const [accessLog, statuses] of Object.entries({ off: [], errors: [401], all: [200, 401] })) {
      const port = await freePort();
      const service = spawn({ PORT: String(port), ...(accessLog === 'off' ? {} : { ACCESS_LOG: accessLog }) });
      await service.printed(/service\.started/);
      const client = new Client(`http://127.0.0.1:${port}`);
      await client.get('/health/live?key=secret-word');
      await client.get('/api/admin/failed-events?key=secret-word', { authorization: 'Bearer secret-word' });
      await service.end('SIGTERM');
      const requests = lines(service).filter(({ event }) => event === 'http.request');
      expect(requests.map(({ status }) => status)).toEqual(statuses);
      for (const request of requests) expect(request).toMatchObject({ context: 'Http', address: '127.0.0.1' });
      expect(lines(service).filter(({ event }) => event === 'admin.refused')).toEqual([
        expect.objectContaining({ level: 'warn', path: '/api/admin/failed-events', reason: 'wrong_token' }),
      ]);
      expect(service.text).not.toContain('secret-word');
    }
  });

  it('is for people if LOG_FORMAT says so', async () => {
    const service = spawn({ LOG_FORMAT: 'pretty' });
    await service.printed(/^\S+Z INFO .*listening on http/m);
    expect(service.text).not.toContain('{"');
  });

  it('says why a start failed in its own format: a record, or a plain line', async () => {
    const service = spawn({ PORT: 'eighty', LOG_LEVEL: 'loud' });
    expect(await service.exit()).toBe(1);
    const [line, ...others] = lines(service);
    expect(others).toEqual([]);
    expect(line).toMatchObject({ level: 'fatal', event: 'service.failed' });
    expect(line?.message).toMatch(/PORT: expected[^]*\nLOG_LEVEL: expected/);

    const pretty = spawn({ PORT: 'eighty', LOG_FORMAT: 'pretty' });
    expect(await pretty.exit()).toBe(1);
    expect(pretty.text).toBe('PORT: expected an integer from 0 to 65535; "eighty" was given\n');
  });
});
