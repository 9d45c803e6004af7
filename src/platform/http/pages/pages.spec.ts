import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { type FastifyInstance } from 'fastify';
import { configureHttp, createFastifyAdapter } from '../server/fastify.js';
import { hasPages, servePages } from './pages.js';

const SHOP = 'https://shop.example';

@Module({})
class EmptyModule {}

describe('the pages that the build made', () => {
  let directory: string;
  let app: NestFastifyApplication;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'coupon-pages-'));
    mkdirSync(join(directory, 'assets'));
    for (const name of ['shop', 'console']) {
      writeFileSync(join(directory, `${name}.html`), `<base href="/" /><p>${name}</p>`);
    }
    writeFileSync(join(directory, 'embed.js'), 'snippet');
    writeFileSync(join(directory, 'assets', 'shop-1.js'), 'plain');
    writeFileSync(join(directory, 'assets', 'shop-1.js.br'), 'compressed');
    writeFileSync(join(directory, 'secret.txt'), 'secret');
    const module = await Test.createTestingModule({ imports: [EmptyModule] }).compile();
    app = module.createNestApplication<NestFastifyApplication>(createFastifyAdapter(), {
      bodyParser: false,
      logger: false,
    });
    configureHttp(app);
    servePages(app.getHttpAdapter().getInstance() as unknown as FastifyInstance, '/coupons', [SHOP], directory);
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
  });
  afterAll(async () => {
    await app.close();
    rmSync(directory, { recursive: true });
  });

  it.each([
    ['/', 'shop'],
    ['/drop/summer-2026', 'shop'],
    ['/console', 'console'],
    ['/console/campaigns/summer-2026', 'console'],
  ])('%s is the page %s, below the path of the proxy', async (url, name) => {
    const { statusCode, headers, body } = await app.inject({ url });
    expect([statusCode, body]).toEqual([200, `<base href="/coupons/" /><p>${name}</p>`]);
    expect(headers['cache-control']).toBe('no-cache');
    const isDrop = url.startsWith('/drop/');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self';connect-src 'self';" +
        `frame-ancestors ${isDrop ? SHOP : "'none'"};base-uri 'self';form-action 'none'`,
    );
    expect(headers['x-frame-options']).toBe(isDrop ? undefined : 'DENY');
    const again = await app.inject({ url, headers: { 'if-none-match': String(headers.etag) } });
    expect(again.statusCode).toBe(304);
  });

  it('the script for other pages may be loaded by other pages, and is asked for again', async () => {
    const { statusCode, headers, body } = await app.inject({ url: '/embed.js' });
    expect([statusCode, body, headers['content-type']]).toEqual([200, 'snippet', 'text/javascript; charset=utf-8']);
    expect([headers['cross-origin-resource-policy'], headers['cache-control']]).toEqual(['cross-origin', 'no-cache']);
  });

  it('files are kept for ever by those who asked once, and sent as small as the caller can read', async () => {
    const plain = await app.inject({ url: '/assets/shop-1.js' });
    expect([plain.body, plain.headers['cache-control']]).toEqual(['plain', 'public, max-age=31536000, immutable']);
    const small = await app.inject({ url: '/assets/shop-1.js', headers: { 'accept-encoding': 'gzip, br' } });
    expect([small.body, small.headers['content-encoding'], small.headers['content-type']]).toEqual([
      'compressed',
      'br',
      'application/javascript; charset=utf-8',
    ]);
  });

  it.each([
    '/assets/shop-2.js',
    '/assets/',
    '/assets/../secret.txt',
    '/assets/%2e%2e/secret.txt',
    '/assets/..%2fsecret.txt',
    '/secret.txt',
    '/drop',
    '/drop/a/b',
  ])('%s is not found, or refused, and never a file from elsewhere', async (url) => {
    const { statusCode, headers, body } = await app.inject({ url });
    expect([400, 404]).toContain(statusCode);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(body).not.toContain('secret.txt is');
    expect(body).not.toBe('secret');
  });

  it('are not there where only the sources are', () => {
    expect([hasPages(directory), hasPages(join(directory, 'assets'))]).toEqual([true, false]);
  });
});
