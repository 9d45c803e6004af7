import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';

describePages('the pages', () => {
  let service: Service;
  let pages: Pages;

  beforeAll(async () => {
    service = await startService();
    pages = await Pages.open();
  });
  afterAll(async () => {
    await pages?.close();
    await service.stop();
  });

  it.each([
    ['ko', '선착순'],
    ['en', 'first come'],
  ] as const)('open in the language of the browser: %s', async (language, word) => {
    const page = await pages.page({ language });
    await page.goto(service.url);
    await page.getByRole('heading', { level: 1, name: word }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe(language);
    await pages.expectClean(page);
    await pages.shoot(page, `home-${language}`);
  });

  it('keep the language that a person chose', async () => {
    const page = await pages.page({ language: 'ko' });
    await page.goto(`${service.url}/console`);
    await page.getByRole('button', { name: 'English' }).click();
    await page.reload();
    await page.getByRole('heading', { name: 'Coupon console' }).waitFor();
    await pages.expectClean(page);
  });

  it('load their files from an address that may be kept for ever, compressed', async () => {
    const client = new Client(service.url);
    const { body } = await client.get('/drop/default');
    const [, style] = /href="\.\/(assets\/[^"]+\.css)"/.exec(String(body)) ?? [];
    const answer = await fetch(`${service.url}/${style}`, { headers: { 'accept-encoding': 'br' } });
    expect([answer.status, answer.headers.get('content-encoding'), answer.headers.get('cache-control')]).toEqual([
      200,
      'br',
      'public, max-age=31536000, immutable',
    ]);
  });
});
