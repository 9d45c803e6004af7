import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Page } from 'playwright-core';
import { Client } from '../support/client.js';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';

/** The requests for a coupon that the page has sent. */
function claimsOf(page: Page): { key: string | undefined }[] {
  const claims: { key: string | undefined }[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/api/coupons/apply')) claims.push({ key: request.headers()['idempotency-key'] });
  });
  return claims;
}

describePages('the page of a drop', () => {
  let service: Service;
  let client: Client;
  let pages: Pages;

  beforeAll(async () => {
    service = await startService();
    client = new Client(service.url);
    pages = await Pages.open();
  });
  afterAll(async () => {
    await pages?.close();
    await service?.stop();
  });

  const open = async (campaignId: string, view: Parameters<Pages['page']>[0] = {}): Promise<Page> => {
    const page = await pages.page(view);
    await page.goto(`${service.url}/drop/${campaignId}`);
    return page;
  };

  it.each([
    ['ko', '이름', '쿠폰 받기', '번째'],
    ['en', 'name', 'Get the coupon', 'No. '],
  ] as const)('gives a coupon for one click, and shows its code: %s', async (language, field, button, place) => {
    const campaignId = await client.createCampaign(10);
    const page = await open(campaignId, { language });
    const claims = claimsOf(page);
    await page.getByLabel(field).fill(`kim-${language}`);
    await pages.expectClean(page);
    await pages.shoot(page, `drop-open-${language}`);
    await page.getByRole('button', { name: button }).click();
    const code = page.locator('output.value');
    await code.waitFor();
    expect(await page.locator('.place').innerText()).toContain(place);
    expect(claims).toHaveLength(1);
    await pages.expectClean(page);
    await pages.shoot(page, `drop-issued-${language}`);
    const { body } = await client.admin('GET', `/api/admin/campaigns/${campaignId}/coupons`);
    expect(body.items).toMatchObject([{ userId: `kim-${language}`, code: await code.innerText() }]);
  });

  it('opens at the start by the clock of the service, and never early, on a device whose clock is wrong', async () => {
    for (const minutes of [-10, 10]) {
      const startsAt = Date.now() + 4_000;
      const campaignId = await client.createCampaign(10, { startsAt: new Date(startsAt).toISOString() });
      const page = await pages.page();
      await page.addInitScript(`{
        const real = Date.now.bind(Date), Real = Date, by = ${minutes} * 60_000;
        globalThis.Date = class extends Real {
          constructor(...of) { of.length === 0 ? super(real() + by) : super(...of); }
          static now() { return real() + by; }
        };
        globalThis.realNow = real;
      }`);
      const claims = claimsOf(page);
      await page.goto(`${service.url}/drop/${campaignId}`);
      await page.getByRole('timer').waitFor();
      await page.getByLabel('이름').fill('early');
      // The moment at which the button opens, by the clock that this test and the service share.
      const opened = page.evaluate(`new Promise((resolve) => {
        const look = () => {
          const button = document.querySelector('button.claim');
          if (button?.getAttribute('aria-disabled') === 'false') resolve(realNow());
          else setTimeout(look, 1);
        };
        look();
      })`) as Promise<number>;
      await page.locator('button.claim').click({ force: true });
      await page.getByText('아직 시작 전입니다').waitFor();
      expect(claims).toEqual([]);
      await pages.expectClean(page);
      const late = (await opened) - startsAt;
      process.stdout.write(`the button opened ${late} ms after the start\n`);
      expect(late).toBeGreaterThanOrEqual(0);
      await page.locator('button.claim').click();
      await page.locator('output.value').waitFor();
      expect(claims).toHaveLength(1);
    }
  });
});
