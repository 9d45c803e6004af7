import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../../stack/server-process.js';
import { type Backend, openBackend } from '../support/backend.js';
import { Client, inParallel, tally } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { exchange } from '../support/raw-http.js';
import { ServiceProcess } from '../support/service-process.js';
import { ADMIN_TOKEN } from '../support/service.js';

const METRICS = [
  'coupon_claims_total',
  'coupon_publish_duration_seconds',
  'coupon_persist_duration_seconds',
  'coupon_accept_to_row_seconds',
  'coupon_pending',
  'coupon_pending_oldest_seconds',
  'coupon_failed_events',
  'coupon_gate_fenced',
  'coupon_gate_epoch',
  'coupon_drift',
  'coupon_dependency_up',
  'coupon_role_ready',
];

/** The lines of an orderly end. */
const ENDS = new Set<string | undefined>(['service.stopping', 'service.stopped']);

/** Contexts that may log a line when a server keeps them waiting, and a line when it is back. */
const SAYS_SERVER_AWAY = new Set<string | undefined>([
  'Database',
  'Redis',
  'KafkaPublisher',
  'KafkaClaimServer',
  'EpochWatch',
  'GateRowReader',
  'ClaimOutage',
  'BuilderLease',
  'ClaimBatch',
  'ClaimBatchConsumer',
  'RecoveryService',
]);

describe('a process', () => {
  let backend: Backend;
  let port: number;
  let client: Client;
  let running: ServiceProcess | undefined;

  beforeEach(async () => {
    backend = await openBackend();
    port = await freePort();
    client = new Client(`http://127.0.0.1:${port}`);
  });
  afterEach(async () => {
    await running?.end('SIGKILL');
    running = undefined;
    await backend.remove();
  });

  /** Waits until the process is ready. The log need not say so. */
  const start = async (env: Record<string, string>) => {
    const PORT = String(port);
    running = ServiceProcess.spawn({ ...backend.env, PORT, ADMIN_TOKEN, ...env });
    await eventually(async () => expect((await ready()).body.status).toBe('ok'));
    return running;
  };
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    const code = await running?.end(signal);
    running = undefined;
    return code;
  };
  const ready = () => client.get('/health/ready');
  const statusOf = async (user: string) => (await client.get(`/api/campaigns/default/claims/${user}`)).body.status;

  /** The log lines. Each line has to be JSON. */
  const lines = (service: ServiceProcess): { level: string; message: unknown; context?: string; event?: string }[] =>
    service.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ReturnType<typeof lines>[number]);

  it.each([['SIGTERM'], ['SIGKILL']] as const)(
    'that only takes claims keeps them, also over a %s, for one that issues them',
    async (signal) => {
      await start({ ROLES: 'api', DEFAULT_CAMPAIGN_TOTAL: '50' });
      expect((await ready()).body).toMatchObject({ status: 'ok', roles: { api: 'ready' } });
      const users = [...Array(80).keys()].map((n) => `u${n}`);
      const answers = await inParallel(users, 20, async (user) => ({ user, answer: await client.claim(user) }));
      const winners = answers.filter(({ answer }) => answer.status === 202);
      expect(winners).toHaveLength(50);
      const before = await inParallel(winners, 10, ({ user }) => statusOf(user));
      expect(tally(before)).toEqual({ PENDING: 50 });
      expect(await client.audit('default')).toMatchObject({ gate: 50, pending: 50, issued: 0, rows: 0, drift: 0 });
      await stop(signal);

      await start({});
      await eventually(async () => {
        expect(await client.audit('default')).toMatchObject({ gate: 50, pending: 0, issued: 50, rows: 50, drift: 0 });
      });
      for (const { user, answer } of winners) {
        const { claimId, sequence } = answer.body;
        const { body } = await client.claimStatus('default', user, claimId);
        expect(body).toMatchObject({ status: 'ISSUED', claimId, sequence });
      }
      expect((await client.claim('too-late')).body.code).toBe('sold-out');
    },
  );

  it('that only consumes issues the claims of other processes, and serves health and metrics but no API', async () => {
    await start({ ROLES: 'api' });
    expect((await client.claim('waits')).status).toBe(202);
    await stop();

    const consumer = await start({ ROLES: 'consumer' });
    const report = await ready();
    expect([report.status, report.body.roles]).toEqual([200, { consumer: 'ready' }]);
    for (const [method, path] of [
      ['POST', '/api/coupons/apply'],
      ['GET', '/api/campaigns'],
      ['GET', '/api/campaigns/default/claims/waits'],
      ['GET', '/api/admin/failed-events'],
      ['GET', '/api/admin/campaigns/default/audit'],
      ['GET', '/docs'],
      ['GET', '/docs-json'],
    ] as const) {
      const answer = await client.admin(method, path, method === 'POST' ? { body: { userId: 'a' } } : {});
      expect([path, answer.status, answer.body.code]).toEqual([path, 404, 'not-found']);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
    }
    await eventually(async () => {
      expect((await client.get('/metrics')).body).toMatch(/^coupon_consumed_total\{outcome="issued"\} 1$/m);
    });
    expect(consumer.text).toContain('listening on http');
    expect(consumer.text).not.toContain('/docs');
    expect(await stop()).toBe(0);

    await start({});
    expect(await statusOf('waits')).toBe('ISSUED');
  });

  it('that only retries is ready, and leaves claims and coupons to others', async () => {
    await start({ ROLES: 'retry' });
    const report = await ready();
    expect([report.status, report.body.roles]).toEqual([200, { retry: 'ready' }]);
    expect((await client.claim('a')).status).toBe(404);
    expect(await stop()).toBe(0);
  });

  it('measures what operators watch, and makes no label from a caller’s text', async () => {
    await start({ DEFAULT_CAMPAIGN_TOTAL: '1' });
    expect((await client.claim('winner')).status).toBe(202);
    for (const user of ['winner', 'late']) expect((await client.claim(user)).status).toBe(409);
    await inParallel([...Array(20).keys()], 5, (n) => client.claim('a', `invented-${n}`));
    await eventually(async () => expect(await statusOf('winner')).toBe('ISSUED'));
    const answer = await eventually(async () => {
      const metrics = await client.get('/metrics');
      expect(metrics.body).toMatch(/^coupon_drift\{.*campaign="default".*\} 0$/m);
      return metrics;
    });
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = answer.body as string;
    for (const name of METRICS) expect(text).toMatch(new RegExp(`^# TYPE ${name} (?:counter|gauge|histogram)$`, 'm'));
    for (const [outcome, count] of [
      ['accepted', 1],
      ['already_claimed', 1],
      ['sold_out', 1],
    ] as const) {
      expect(text).toContain(`coupon_claims_total{campaign="default",outcome="${outcome}"} ${count}`);
    }
    expect(text).toMatch(/^coupon_accept_to_row_seconds_count 1$/m);
    expect(text).toMatch(/^coupon_persist_duration_seconds_count 1$/m);
    expect(text).toMatch(/^coupon_publish_duration_seconds_count 1$/m);
    expect(text).toMatch(/^coupon_failed_events\{status="DEAD"\} 0$/m);
    expect(text).toMatch(/^coupon_gate_fenced 0$/m);
    expect(text).toMatch(/^coupon_gate_epoch [1-9]\d+$/m);
    expect(text).not.toContain('invented');
  });

  it('logs JSON lines, none of them for a refused request', async () => {
    const service = await start({ DEFAULT_CAMPAIGN_TOTAL: '1' });
    await service.printed(/listening on http/);
    expect((await client.claim('winner')).status).toBe(202);
    // What becomes of the campaign has a line each, which may come later than the answers.
    await service.printed(/campaign\.opened/);
    await service.printed(/campaign\.sold-out/);
    const before = lines(service);
    expect(before.length).toBeGreaterThan(0);
    for (const line of before) {
      expect(line).toMatchObject({
        level: expect.stringMatching(/^(?:info|warn)$/),
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      });
      expect(line).toHaveProperty('message');
    }
    await inParallel([...Array(100).keys()], 20, async (n) => {
      expect((await client.claim(`late-${n}`)).body.code).toBe('sold-out');
      expect((await client.claim('winner')).body.code).toBe('already-claimed');
      expect((await client.claim('not valid')).status).toBe(400);
      expect((await client.claim('a', `invented-${n}`)).status).toBe(404);
      expect((await client.get(`/nowhere/${n}`)).status).toBe(404);
      expect((await client.send('DELETE', '/api/campaigns')).status).toBe(405);
      expect((await client.get('/api/admin/failed-events')).status).toBe(401);
      const { responses } = await exchange(['nonsense\r\n\r\n'], { port });
      expect(responses[0]?.status).toBe(400);
    });
    // The last line of the log belongs to the last call.
    await stop('SIGTERM');
    const after = lines(service).slice(before.length);
    expect(after.at(-1)).toMatchObject({ level: 'info', message: 'stopped', event: 'service.stopped' });
    // A server that stalls for a second under 800 refusals causes a line. The refusals cause none.
    const others = after.filter(({ event, context }) => !ENDS.has(event) && !SAYS_SERVER_AWAY.has(context));
    // One line for all refused admin calls of an address within a minute.
    const perRefusal = others.filter(({ event }) => event !== 'admin.refused');
    expect(perRefusal).toEqual([]);
    expect(after.length).toBeLessThan(15);
    expect(service.text).not.toContain(ADMIN_TOKEN);
  });

  it.each<[string, string[], string[]]>([
    ['fatal', [], []],
    ['error', [], []],
    // A normal start and stop causes no warning but IDENTITY's, unless a server stalls during it.
    ['warn', [], ['warn']],
    ['info', ['info'], ['warn']],
    ['verbose', ['info', 'verbose'], ['warn']],
  ])('with LOG_LEVEL %s writes what is as severe, and nothing else', async (level, certain, possible) => {
    const service = await start({ LOG_LEVEL: level });
    await eventually(async () => expect((await ready()).body.status).toBe('ok'));
    await stop();
    const all = lines(service).filter((line) => line.level !== 'debug');
    // Callers are not identified here, and each start says so.
    const open = all.filter(({ event }) => event === 'identity.open');
    expect(open).toHaveLength(level === 'fatal' || level === 'error' ? 0 : 1);
    const written = all.filter(({ event }) => event !== 'identity.open');
    const levels = new Set(written.map((line) => line.level));
    expect([...levels]).toEqual(expect.arrayContaining(certain));
    const unexpected = written.filter(({ level: seen, context }) => {
      if (certain.includes(seen)) return false;
      return !possible.includes(seen) || !SAYS_SERVER_AWAY.has(context);
    });
    expect(unexpected).toEqual([]);
  });
});
