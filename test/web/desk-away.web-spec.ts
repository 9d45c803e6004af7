import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { signIn } from './support/console.js';

/** Pages, and the call by which each reads what it shows. */
const PAGES = [
  ['/campaigns/default/coupons', '**/api/admin/campaigns/default/**'],
  ['/failed-events', '**/api/admin/failed-events**'],
  ['/search?q=user-1', '**/api/admin/search**'],
  ['/system', '**/api/admin/system'],
  ['/audit', '**/api/admin/audit-log**'],
  ['/keys', '**/api/admin/keys**'],
] as const;
const DOWN = {
  type: 'urn:coupon:problem:database-unavailable',
  title: '일시적 장애',
  status: 503,
  detail: '지금은 처리할 수 없습니다. 잠시 후 다시 시도해 주세요.',
  code: 'database-unavailable',
  requestId: 'r-1234',
};

describePages('while everything is away, the page', () => {
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

  it.each(PAGES)('%s says so', async (path, calls) => {
    const page = await pages.page({ language: 'en', theme: 'dark' });
    await page.route(calls, (route) => route.abort());
    await signIn(page, service, path);
    await page.getByText('The service cannot be reached').first().waitFor();
    await pages.expectClean(page, /ERR_FAILED/);
    await pages.shoot(page, `desk-away${path.replace(/\W+/g, '-')}`);
  });

  it.each(PAGES)('%s shows what the API said instead, with its code and the id of the request', async (path, calls) => {
    const page = await pages.page({ language: 'ko', width: 360 });
    await page.route(calls, (route) =>
      route.fulfill({ status: 503, contentType: 'application/problem+json', body: JSON.stringify(DOWN) }),
    );
    await signIn(page, service, path);
    await page.getByText(DOWN.requestId).first().waitFor();
    await page.getByText(DOWN.detail).first().waitFor();
    expect(await page.getByText('발급된 쿠폰이 없습니다').count()).toBe(0);
    expect(await page.getByText('기다리는 신청이 없습니다').count()).toBe(0);
    await pages.expectClean(page);
  });

  it('reads the list when it is tried again', async () => {
    const page = await pages.page({ language: 'en' });
    await page.route('**/api/admin/audit-log**', (route) => route.abort());
    await signIn(page, service, '/audit');
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    await page.unroute('**/api/admin/audit-log**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('tbody tr').first().waitFor();
    await pages.expectClean(page, /ERR_FAILED/);
  });
});
