import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Body, Controller, Get, Module, Param, Post, Query } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type OpenAPIObject } from '@nestjs/swagger';
import { Test } from '@nestjs/testing';
import { z } from 'zod';
import { AdminTokenOnlyModule } from '../../../../test/support/callers.js';
import { ConfigModule } from '../../config/config.module.js';
import { parseEnv } from '../../config/env.js';
import { Admin } from '../../identity/admin.guard.js';
import {
  campaignId,
  campaignName,
  campaignTotal,
  instant,
  keysetCursor,
  listQuery,
  userId,
  userIdOrNumber,
} from '../input/schemas.js';
import { PROBLEMS } from '../problem/problem-catalogue.js';
import { configureHttp, createFastifyAdapter } from '../server/fastify.js';
import { ApiAnswer, ApiProblems, createOpenApiDocument, setupOpenApi } from './openapi.js';

const body = z.strictObject({
  userId: userIdOrNumber,
  name: campaignName.optional(),
  total: campaignTotal,
  startsAt: instant.optional(),
});
const page = listQuery(keysetCursor(z.tuple([z.int()])), { campaignId: campaignId.optional() });

const taken = z.object({ claimId: z.string(), sequence: z.int(), claimedAt: z.iso.datetime() }).meta({ id: 'Taken' });

@Controller()
class ProbeController {
  @Post('/api/coupons/apply')
  @ApiAnswer(202, 'Taken.', taken, {
    headers: { Location: 'The claim.' },
  })
  @ApiProblems('sold-out', 'already-claimed', 'validation-failed')
  applyForCoupon(@Body({ schema: body }) given: unknown): unknown {
    return given;
  }

  @Get('/api/users/:userId/coupons')
  @Admin('operator')
  listCoupons(@Param('userId', { schema: userId }) user: string, @Query({ schema: page }) query: unknown): unknown {
    return [user, query];
  }
}

@Module({
  imports: [ConfigModule.for(parseEnv({ ADMIN_TOKEN: 'a-token-of-20-chars!' })), AdminTokenOnlyModule],
  controllers: [ProbeController],
})
class ProbeModule {}

describe('the API document', () => {
  let app: NestFastifyApplication;
  let document: OpenAPIObject;

  beforeAll(async () => {
    const module = await Test.createTestingModule({ imports: [ProbeModule] }).compile();
    app = module.createNestApplication<NestFastifyApplication>(createFastifyAdapter(), {
      bodyParser: false,
      logger: false,
    });
    configureHttp(app);
    setupOpenApi(app);
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    document = (await app.inject('/docs-json')).json();
  });

  afterAll(() => app.close());

  it('describes a body from its schema', () => {
    const operation = document.paths['/api/coupons/apply']?.post;
    expect(operation?.operationId).toBe('applyForCoupon');
    expect(operation?.requestBody).toMatchObject({
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['userId', 'total'],
            additionalProperties: false,
            properties: {
              userId: {
                anyOf: [
                  { type: 'string', pattern: '^(?!\\.{1,2}$)[A-Za-z0-9._@|:+=~-]{1,128}$' },
                  { type: 'integer', minimum: 0 },
                ],
              },
              total: { type: 'integer', minimum: 1, maximum: 10_000_000 },
              startsAt: { type: 'string', format: 'date-time' },
            },
          },
        },
      },
    });
  });

  it('describes path and query parameters from their schemas', () => {
    const parameters = document.paths['/api/users/{userId}/coupons']?.get?.parameters;
    expect(parameters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ in: 'path', name: 'userId', required: true }),
        expect.objectContaining({
          in: 'query',
          name: 'limit',
          required: false,
          schema: expect.objectContaining({ type: 'integer', minimum: 1, maximum: 1000, default: 50 }),
        }),
        expect.objectContaining({ in: 'query', name: 'cursor', required: false }),
        expect.objectContaining({ in: 'query', name: 'campaignId', required: false }),
      ]),
    );
  });

  it('gives every refusal the same schema, with one example per code', () => {
    const responses = document.paths['/api/coupons/apply']?.post?.responses;
    for (const status of ['400', '409']) {
      expect(responses?.[status]).toMatchObject({
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      });
    }
    expect(responses?.['409']).toMatchObject({
      description: expect.stringContaining('`sold-out`'),
      headers: { Location: { required: false }, Vary: { required: true } },
      content: {
        'application/problem+json': {
          examples: {
            'sold-out': { $ref: '#/components/examples/sold-out' },
            'already-claimed': { $ref: '#/components/examples/already-claimed' },
          },
        },
      },
    });
    expect(document.components?.examples?.['sold-out']).toMatchObject({ value: { status: 409, code: 'sold-out' } });
    expect(document.components?.schemas?.['Problem']).toMatchObject({
      properties: { code: { enum: Object.keys(PROBLEMS) } },
    });
  });

  it('adds the answers that every operation can give and none has to name', () => {
    const statuses = (path: string, method: 'get' | 'post') =>
      Object.keys(document.paths[path]?.[method]?.responses ?? {});
    expect(statuses('/api/coupons/apply', 'post')).toEqual([
      ...['202', '400', '408', '409', '413', '415', '417', '431', '500', '501', '503', '505'],
    ]);
    expect(statuses('/api/users/{userId}/coupons', 'get')).toEqual([
      ...['200', '400', '401', '403', '408', '415', '417', '429', '431', '500', '501', '503', '505'],
    ]);
    expect(JSON.stringify(document)).not.toMatch(/x-(?:refusals|never-busy)/);
  });

  it('describes successes, their headers, and the admin token', () => {
    expect(document.paths['/api/coupons/apply']?.post?.responses['202']).toMatchObject({
      headers: { Location: { description: 'The claim.', required: true }, 'X-Request-Id': { required: true } },
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Taken' } } },
    });
    expect(document.components?.schemas?.['Taken']).toEqual({
      type: 'object',
      properties: {
        claimId: { type: 'string' },
        sequence: { type: 'integer', format: 'int64' },
        claimedAt: { type: 'string', format: 'date-time' },
      },
      required: ['claimId', 'sequence', 'claimedAt'],
      additionalProperties: false,
    });
    expect(document.components?.securitySchemes?.['admin']).toEqual({
      type: 'http',
      scheme: 'bearer',
      description: 'An API key, or ADMIN_TOKEN.',
    });
    expect(document.paths['/api/users/{userId}/coupons']?.get?.security).toEqual([{ admin: [] }, { session: [] }]);
  });

  it('names the path by which a proxy knows the service, if there is one', () => {
    expect(document.servers).toEqual([{ url: '/' }]);
    expect(createOpenApiDocument(app, '/coupons').servers).toEqual([{ url: '/coupons' }]);
  });

  it('is shown at /docs under a content security policy, which the API itself does not pay for', async () => {
    for (const url of ['/docs', '/docs/swagger-ui-bundle.js', '/docs/swagger-ui-init.js']) {
      const page = await app.inject(url);
      expect([url, page.statusCode]).toEqual([url, 200]);
      expect(page.headers['content-security-policy']).toContain("default-src 'none';script-src 'self'");
    }
    expect((await app.inject('/docs')).body).not.toMatch(/<script>/);
    for (const url of ['/docs', '/docs/']) {
      const html = (await app.inject(url)).body;
      const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
        ([, path]) => new URL(path ?? '', `http://x${url}`),
      );
      expect(files.length).toBeGreaterThan(3);
      for (const { pathname } of files) expect((await app.inject(pathname)).statusCode).toBe(200);
    }
    expect((await app.inject('/docs-json')).headers['content-security-policy']).toBeUndefined();
    expect((await app.inject('/docs/nothing')).json()).toMatchObject({ code: 'not-found' });
    expect((await app.inject({ method: 'POST', url: '/docs' })).json()).toMatchObject({ code: 'method-not-allowed' });
  });

  it('is sent from one buffer, and not again to a caller who has it already', async () => {
    const stringify = jest.spyOn(JSON, 'stringify');
    try {
      const answers = await Promise.all(Array.from({ length: 20 }, () => app.inject('/docs-json')));
      expect(stringify).not.toHaveBeenCalled();
      for (const { statusCode, headers, rawPayload } of answers) {
        expect(statusCode).toBe(200);
        expect(headers).toMatchObject({
          'content-type': 'application/json; charset=utf-8',
          'content-length': String(rawPayload.length),
          'cache-control': 'no-cache',
          etag: answers[0]?.headers.etag,
        });
      }
      const etag = String(answers[0]?.headers.etag);
      for (const [given, status] of [
        [etag, 304],
        [`"other", W/${etag}`, 304],
        ['*', 304],
        ['"other"', 200],
      ] as const) {
        const { statusCode, body } = await app.inject({ url: '/docs-json', headers: { 'if-none-match': given } });
        expect([given, statusCode, body === '']).toEqual([given, status, status === 304]);
      }
      const head = await app.inject({ method: 'HEAD', url: '/docs/swagger-ui-bundle.js' });
      expect([head.statusCode, head.body]).toEqual([200, '']);
      expect(Number(head.headers['content-length'])).toBeGreaterThan(1_000_000);
    } finally {
      stringify.mockRestore();
    }
  });
});
