import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Module, Res } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { type FastifyReply } from 'fastify';
import { sendProblem } from '../problem/problem.js';
import { configureHttp, createFastifyAdapter } from '../server/fastify.js';
import { type CorsOrigins } from './cors.js';

@Controller('api')
class ProbeController {
  @Get('campaigns')
  list(): unknown {
    return {};
  }

  @Get('refused')
  refuse(@Res() reply: FastifyReply): void {
    sendProblem(reply, 'sold-out');
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

async function appFor(origins: CorsOrigins): Promise<NestFastifyApplication> {
  const module = await Test.createTestingModule({ imports: [ProbeModule] }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(createFastifyAdapter(), {
    bodyParser: false,
    logger: false,
  });
  configureHttp(app, undefined, undefined, origins);
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  return app;
}

describe('pages of any origin', () => {
  let app: NestFastifyApplication;

  beforeAll(async () => {
    app = await appFor(['*']);
  });
  afterAll(() => app.close());

  it('may call, without cookies, and one answer is right for all of them', async () => {
    const asked = await app.inject({
      method: 'OPTIONS',
      url: '/api/campaigns',
      headers: { origin: 'https://any.example', 'access-control-request-method': 'GET' },
    });
    expect([asked.statusCode, asked.headers['access-control-allow-origin']]).toEqual([204, '*']);
    for (const url of ['/api/campaigns', '/api/refused', '/api/nothing']) {
      const { headers } = await app.inject({ url, headers: { origin: 'https://any.example' } });
      expect([url, headers['access-control-allow-origin']]).toEqual([url, '*']);
      expect(headers['access-control-allow-credentials']).toBeUndefined();
    }
  });

  it('may not call what operators call', async () => {
    const { headers } = await app.inject({ url: '/api/admin/keys', headers: { origin: 'https://any.example' } });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('a list of origins', () => {
  it('is named in Vary beside what an answer depends on already, and once', async () => {
    const app = await appFor(['https://shop.example']);
    for (const headers of [{}, { origin: 'https://shop.example' }, { origin: 'https://other.example' }]) {
      expect((await app.inject({ url: '/api/campaigns', headers })).headers.vary).toBe('Origin');
      expect((await app.inject({ url: '/api/refused', headers })).headers.vary).toBe('accept-language, Origin');
    }
    await app.close();
  });
});
