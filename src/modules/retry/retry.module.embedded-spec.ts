import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import '../../../test/support/quiet.js';
import { AdminTokenOnlyModule } from '../../../test/support/callers.js';
import { failToPublish } from '../../../test/support/failed-events.js';
import { eventually } from '../../../test/support/eventually.js';
import {
  admit,
  CAMPAIGN,
  claimed,
  knownRowOf,
  openRetryStack,
  portsModuleOf,
  type RetryStack,
  sql,
} from '../../../test/support/retry.js';
import { ConfigModule } from '../../platform/config/config.module.js';
import { type Role } from '../../platform/config/config-parts.js';
import { parseEnv } from '../../platform/config/env.js';
import { MetricsRegistry } from '../../platform/metrics/metrics-registry.js';
import { PUBLISH_LEASE_MS } from '../../domain/retry-policy.js';
import { configureHttp, createFastifyAdapter } from '../../platform/http/server/fastify.js';
import { setupOpenApi } from '../../platform/http/openapi/openapi.js';
import { DatabaseError } from '../../ports/database/database-error.js';
import { Clock } from '../../platform/flow/clock.js';
import { ApprovalsModule } from '../approvals/approvals.module.js';
import { RetryCron } from './retry.cron.js';
import { RetryModule } from './retry.module.js';

const TOKEN = 'a-token-of-20-chars!';
const ADMIN = { authorization: `Bearer ${TOKEN}` };

async function start(stack: RetryStack, roles: Role[]): Promise<NestFastifyApplication> {
  const module = await Test.createTestingModule({
    imports: [
      ConfigModule.for(parseEnv({ ADMIN_TOKEN: TOKEN })),
      portsModuleOf(stack),
      AdminTokenOnlyModule,
      ApprovalsModule.for(new Set(roles)),
      ScheduleModule.forRoot(),
      RetryModule.for(new Set(roles)),
    ],
  }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(createFastifyAdapter(), {
    bodyParser: false,
    logger: false,
  });
  configureHttp(app);
  setupOpenApi(app);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}

describe('the operators’ calls', () => {
  let stack: RetryStack;
  let app: NestFastifyApplication;

  beforeEach(async () => {
    stack = await openRetryStack();
    app = await start(stack, ['api']);
  });

  afterEach(async () => {
    await app.close();
    await stack.close();
  });

  const get = (url: string, headers: Record<string, string> = ADMIN) => app.inject({ method: 'GET', url, headers });
  const post = (url: string, headers: Record<string, string>, body?: object) =>
    app.inject({
      method: 'POST',
      url,
      headers: { ...ADMIN, ...headers },
      ...(body === undefined ? {} : { payload: body }),
    });

  async function deadClaim(user: string) {
    const claim = await admit(stack, user);
    await failToPublish(stack, claim);
    await sql(stack, "UPDATE failed_events SET status = 'DEAD' WHERE claim_id = ?", claim.claimId);
    return { claim, path: `/api/admin/failed-events/${(await knownRowOf(stack, claim)).id}` };
  }

  it('list failed events with what an operator needs, and without the message', async () => {
    const { claim } = await deadClaim('alice');
    const response = await get('/api/admin/failed-events?status=DEAD&campaignId=drop');
    expect(response.statusCode).toBe(200);
    const row = await knownRowOf(stack, claim);
    expect(response.json()).toEqual({
      items: [
        {
          id: row.id,
          status: 'DEAD',
          source: 'API',
          claimId: claim.claimId,
          campaignId: CAMPAIGN,
          userId: 'alice',
          sequence: 1,
          claimedAt: new Date(claim.claimedAt).toISOString(),
          epoch: claim.epoch,
          topic: null,
          partition: null,
          offset: null,
          errorClass: 'unpublished',
          errorCode: 'log-away',
          errorMessage: 'away',
          attempts: 0,
          maxAttempts: 12,
          nextAttemptAt: null,
          releasedAt: null,
          resolvedBy: null,
          note: null,
          version: 1,
          createdAt: new Date(row.createdAt).toISOString(),
          updatedAt: new Date(row.updatedAt).toISOString(),
        },
      ],
      nextCursor: null,
    });
  });

  it('go from page to page', async () => {
    for (const user of ['alice', 'bob', 'carol']) await deadClaim(user);
    const users: string[] = [];
    let cursor = '';
    for (let page = 0; page < 2; page++) {
      const body = (await get(`/api/admin/failed-events?limit=2${cursor}`)).json<{
        items: { userId: string }[];
        nextCursor: string | null;
      }>();
      users.push(...body.items.map(({ userId }) => userId));
      cursor = `&cursor=${body.nextCursor}`;
    }
    expect(users).toEqual(['carol', 'bob', 'alice']);
    expect(cursor).toBe('&cursor=null');
  });

  it.each([
    ['status=dead', 'validation-failed'],
    ['campaignId=a_b', 'validation-failed'],
    ['limit=0', 'validation-failed'],
    ['cursor=x', 'invalid-cursor'],
    ['state=DEAD', 'validation-failed'],
  ])('refuse the filter %s', async (query, code) => {
    const response = await get(`/api/admin/failed-events?${query}`);
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([400, code]);
  });

  it('want the admin token', async () => {
    const { path } = await deadClaim('alice');
    expect((await get('/api/admin/failed-events', {})).statusCode).toBe(401);
    for (const action of ['requeue', 'discard']) {
      const headers = { authorization: 'Bearer wrong', 'if-match': '*' };
      expect((await post(`${path}/${action}`, headers, { reason: 'fraud' })).statusCode).toBe(401);
    }
    expect(await claimed(stack)).toBe(1);
  });

  it('requeue, and tell the new version', async () => {
    const { path } = await deadClaim('alice');
    const response = await post(`${path}/requeue`, { 'if-match': '"1"' });
    expect(response.statusCode).toBe(200);
    expect(response.headers.etag).toBe('"2"');
    expect(response.json()).toMatchObject({ status: 'PENDING', version: 2, nextAttemptAt: expect.any(String) });
  });

  it('discard, and tell the new version', async () => {
    const { path } = await deadClaim('alice');
    const response = await post(`${path}/discard`, { 'if-match': '"1"' }, { reason: 'fraud' });
    expect(response.statusCode).toBe(200);
    expect(response.headers.etag).toBe('"2"');
    expect(response.json()).toMatchObject({ status: 'DISCARDED', note: 'fraud', resolvedBy: 'operator', version: 2 });
    expect(await claimed(stack)).toBe(0);
    const [audit] = await sql<{ request_id: string }>(stack, 'SELECT request_id FROM admin_audit');
    expect(audit?.request_id).toBe(response.headers['x-request-id']);
  });

  it.each([
    ['no If-Match', '', {}, { reason: 'fraud' }, 428, 'precondition-required'],
    ['a broken If-Match', '', { 'if-match': '1' }, { reason: 'fraud' }, 400, 'invalid-if-match'],
    ['a stale If-Match', '', { 'if-match': '"7"' }, { reason: 'fraud' }, 412, 'precondition-failed'],
    ['a weak If-Match', '', { 'if-match': 'W/"1"' }, { reason: 'fraud' }, 412, 'precondition-failed'],
    ['no reason', '', { 'if-match': '*' }, {}, 400, 'validation-failed'],
    ['an empty reason', '', { 'if-match': '*' }, { reason: ' ' }, 400, 'validation-failed'],
    ['an unknown property', '', { 'if-match': '*' }, { reason: 'fraud', force: true }, 400, 'validation-failed'],
    [
      'an unknown id',
      '/api/admin/failed-events/99',
      { 'if-match': '*' },
      { reason: 'x' },
      404,
      'failed-event-not-found',
    ],
    ['no id', '/api/admin/failed-events/x', { 'if-match': '*' }, { reason: 'x' }, 400, 'validation-failed'],
  ])('refuse to discard with %s', async (_what, other, headers, body, status, code) => {
    const { path, claim } = await deadClaim('alice');
    const response = await post(`${other === '' ? path : other}/discard`, headers as Record<string, string>, body);
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([status, code]);
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'DEAD', version: 1 });
    expect(await claimed(stack)).toBe(1);
  });

  it.each([
    [{}, 428, 'precondition-required'],
    [{ 'if-match': '"7"' }, 412, 'precondition-failed'],
  ])('refuse to requeue with the headers %j', async (headers, status, code) => {
    const { path } = await deadClaim('alice');
    const response = await post(`${path}/requeue`, headers as Record<string, string>);
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([status, code]);
  });

  it('take no body with a requeue', async () => {
    const { path } = await deadClaim('alice');
    const response = await post(`${path}/requeue`, { 'if-match': '*' }, { reason: 'again' });
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([400, 'validation-failed']);
  });

  it('refuse what the state does not allow', async () => {
    const { path, claim } = await deadClaim('alice');
    await sql(stack, "UPDATE failed_events SET status = 'DISCARDED'");
    const codeOf = async (action: string, body?: object) => {
      const response = await post(`${path}/${action}`, { 'if-match': '*' }, body);
      return [response.statusCode, response.json<{ code: string }>().code];
    };
    expect(await codeOf('requeue')).toEqual([409, 'invalid-state']);
    expect(await codeOf('discard', { reason: 'fraud' })).toEqual([409, 'invalid-state']);
    const { claimId, campaignId, userId, sequence, claimedAt } = claim;
    const times = { claimedAt, createdAt: claimedAt };
    const coupon = { claimId, campaignId, userId, sequence, ...times, idempotencyDigest: null, code: 'code' };
    await stack.database.transaction((unit) => unit.coupons.insert([coupon]));
    await sql(stack, "UPDATE failed_events SET status = 'DEAD'");
    expect(await codeOf('discard', { reason: 'fraud' })).toEqual([409, 'coupon-exists']);
  });

  it('are documented', async () => {
    const { paths } = (await app.inject('/docs-json')).json<OpenAPIObject>();
    expect(Object.keys(paths['/api/admin/failed-events']?.get?.responses ?? {})).toEqual(
      expect.arrayContaining(['200', '400', '401', '503']),
    );
    expect(Object.keys(paths['/api/admin/failed-events/{id}/discard']?.post?.responses ?? {})).toEqual(
      expect.arrayContaining(['200', '400', '401', '404', '409', '412', '428', '503']),
    );
  });
});

describe('the metric of failed events', () => {
  let stack: RetryStack;
  let app: NestFastifyApplication;

  beforeAll(async () => {
    stack = await openRetryStack();
    app = await start(stack, []);
  });

  afterAll(async () => {
    await app.close();
    await stack.close();
  });

  it('counts them by status when it is collected, and says nothing while the database is away', async () => {
    const registry = app.get(MetricsRegistry, { strict: false });
    const clock = app.get(Clock, { strict: false });
    const elapsed = jest.spyOn(clock, 'monotonic');
    const later = (ms: number) => elapsed.mockReturnValue(clock.monotonic() + ms);
    await failToPublish(stack, await admit(stack, 'alice'), await admit(stack, 'bob'));
    const text = await registry.getSingleMetricAsString('coupon_failed_events');
    expect(text).toContain('coupon_failed_events{status="PENDING"} 2');
    expect(text).toContain('coupon_failed_events{status="DEAD"} 0');

    const read = stack.database.read.bind(stack.database);
    let reads = 0;
    stack.database.read = () => {
      reads += 1;
      return Promise.reject(new DatabaseError('infrastructure', 'ECONNREFUSED', 'away'));
    };
    expect(await registry.metrics()).toContain('coupon_failed_events{status="PENDING"} 2');
    expect(reads).toBe(0);
    later(10_001);
    expect(await registry.metrics()).not.toContain('coupon_failed_events{');
    expect(reads).toBe(1);
    stack.database.read = read;
    expect(await registry.metrics()).toContain('coupon_failed_events{status="PENDING"} 2');

    // A database that hangs keeps nobody from the other metrics.
    stack.database.read = () => new Promise(() => undefined);
    later(10_001);
    expect(await registry.metrics()).not.toContain('coupon_failed_events{');
    stack.database.read = read;
    elapsed.mockRestore();
  });
});

describe('the schedule', () => {
  let stack: RetryStack;

  beforeEach(async () => {
    stack = await openRetryStack();
  });

  afterEach(() => stack.close());

  it('drains every ten seconds, prunes every ten minutes, and neither beside itself, in the role retry only', async () => {
    const idle = await start(stack, ['api', 'consumer']);
    expect(() => idle.get(RetryCron, { strict: false })).toThrow();
    await idle.close();
    const app = await start(stack, ['retry']);
    const jobs = app.get(SchedulerRegistry, { strict: false }).getCronJobs();
    const intervals = [...jobs].map(([name, job]) => {
      expect(job.waitForCompletion).toBe(true);
      const [first, second] = job.nextDates(2);
      return [name, (second?.toMillis() ?? 0) - (first?.toMillis() ?? 0)];
    });
    expect(Object.fromEntries(intervals)).toEqual({ 'failed-event-drain': 10_000, 'failed-event-prune': 600_000 });
    await app.close();
  });

  it('publishes what an instance had leased that died within a minute, also when the drains keep no exact time', async () => {
    const app = await start(stack, ['retry']);
    const [first, second] = app.get(SchedulerRegistry, { strict: false }).getCronJob('failed-event-drain').nextDates(2);
    const betweenDrains = (second?.toMillis() ?? 0) - (first?.toMillis() ?? 0);
    // 10 s of the promised 70 are the consumer's, and 5 are the drain's.
    expect(PUBLISH_LEASE_MS + betweenDrains).toBeLessThanOrEqual(55_000);
    // A lease that begins with a drain ends in the middle between two, or a moment would decide about 10 s.
    expect(PUBLISH_LEASE_MS % betweenDrains).toBe(betweenDrains / 2);
    await app.close();
  });

  it('serves no call of the operators without the role api', async () => {
    const app = await start(stack, ['retry']);
    const response = await app.inject({ url: '/api/admin/failed-events', headers: ADMIN });
    expect(response.statusCode).toBe(404);
    await app.close();
  });

  it('waits at shutdown for what runs, and starts nothing any more', async () => {
    const app = await start(stack, ['retry']);
    const cron = app.get(RetryCron, { strict: false });
    let release: () => void = () => undefined;
    const publish = stack.log.publish.bind(stack.log);
    stack.log.publish = async (event) => {
      await new Promise<void>((resolve) => (release = resolve));
      return publish(event);
    };
    const claim = await admit(stack, 'alice');
    await failToPublish(stack, claim);
    const running = cron.drain();
    await eventually(async () => expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'PUBLISHING' }));

    let closed = false;
    const closing = app.close().then(() => (closed = true));
    await eventually(() => expect(cron['stopping'].signal.aborted).toBe(true));
    const late = await admit(stack, 'bob');
    await failToPublish(stack, late);
    await cron.drain();
    expect(closed).toBe(false);
    release();
    await Promise.all([running, closing]);
    expect(await knownRowOf(stack, claim)).toMatchObject({ status: 'REPUBLISHED' });
    expect(await knownRowOf(stack, late)).toMatchObject({ status: 'PENDING' });
  });
});
