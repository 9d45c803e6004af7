import { describe, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { TOPOLOGY } from '../support/backend.js';
import { startService } from '../support/service.js';

describe('what a service says of itself', () => {
  it('is what a page needs, and nothing that only operators know', async () => {
    const service = await startService({ CORS_ORIGINS: 'https://shop.example,http://localhost:5173' });
    try {
      const client = new Client(service.url);
      const before = Date.now();
      const { status, headers, body } = await client.get('/api/service');
      expect(status).toBe(200);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(body).toEqual({
        name: 'coupon-system',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        profile: TOPOLOGY === 'embedded' ? 'embedded' : 'distributed',
        identity: 'open',
        embeddingOrigins: ['https://shop.example', 'http://localhost:5173'],
        operatorPages: ['console', 'docs'],
        now: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      });
      // The gate's clock is a little late by what its answer took, and its server may be another machine.
      expect(Math.abs(Date.parse(body.now as string) - before)).toBeLessThan(60_000);
    } finally {
      await service.stop();
    }
  });

  it.each([
    ['no documentation where there is none', { DOCS: 'false' }, ['console']],
    ['no page of operators at the port of shoppers', { ADMIN_PORT: '0' }, []],
  ])('names %s', async (_what, env, operatorPages) => {
    const service = await startService(env);
    try {
      expect((await new Client(service.url).get('/api/service')).body).toMatchObject({ operatorPages });
    } finally {
      await service.stop();
    }
  });

  it('names no origin that may show a drop in a frame, where any page may call', async () => {
    const provider = {
      IDENTITY: 'jwt',
      JWT_ISSUER: 'https://issuer.example',
      JWT_AUDIENCE: 'coupons',
      JWT_JWKS_URL: 'http://127.0.0.1:9/jwks',
    };
    // Nobody answers for the issuer: the service cannot check tokens, and this call needs none.
    const service = await startService({ ...provider, CORS_ORIGINS: '*' }, {}, 'degraded');
    try {
      const { body } = await new Client(service.url).get('/api/service');
      expect(body).toMatchObject({ identity: 'jwt', embeddingOrigins: [] });
    } finally {
      await service.stop();
    }
  });
});
