import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Page } from 'playwright-core';
import { Client, inParallel } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { makeKey, signIn } from './support/console.js';

const ISSUED = 130;

describePages('the page of coupons', () => {
  let service: Service;
  let client: Client;
  let pages: Pages;
  let campaign: string;

  beforeAll(async () => {
    service = await startService();
    client = new Client(service.url);
    pages = await Pages.open();
    campaign = await client.createCampaign(1_000, { name: '정오의 쿠폰' });
    await inParallel([...Array(ISSUED).keys()], 10, (n) => client.claim(`user-${n}`, campaign));
    await eventually(async () => expect((await client.audit(campaign)).issued).toBe(ISSUED));
  });
  afterAll(async () => {
    await pages?.close();
    await service.stop();
  });

  const api = async (query = '') =>
    (await client.admin('GET', `/api/admin/campaigns/${campaign}/coupons?limit=1000${query}`)).body.items;
  const open = async (language: 'ko' | 'en' = 'en', width = 1440, key?: string, query = ''): Promise<Page> => {
    const page = await pages.page({ language, width, theme: width < 500 ? 'dark' : 'light' });
    await signIn(page, service, `/campaigns/${campaign}/coupons${query}`, key);
    await page.locator('table[aria-busy=false]').waitFor();
    return page;
  };
  const users = (page: Page): Promise<string[]> => page.locator('tbody th').allTextContents();

  it.each([
    ['ko', 1440],
    ['en', 1440],
    ['ko', 360],
  ] as const)('lists all of them page by page, as the API does: %s, %i px', async (language, width) => {
    const page = await open(language, width);
    await page
      .getByRole('group', { name: language === 'ko' ? '발급' : 'Issued' })
      .getByText('130')
      .waitFor();
    expect(await page.locator('tbody tr').count()).toBe(100);
    await pages.expectClean(page);
    await page.getByRole('button', { name: language === 'ko' ? '더 보기' : 'Show more' }).click();
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(ISSUED));
    expect(await users(page)).toEqual((await api()).map(({ userId }: { userId: string }) => userId));
    await page.setViewportSize({ width, height: 900 });
    await pages.shoot(page, `desk-coupons-${language}-${width}`);
  });

  it('filters by user and by instant, in the address, and says so where there is none', async () => {
    const page = await open();
    await page.locator('input[name=userId]').fill('user-7');
    await page.keyboard.press('Enter');
    await eventually(async () => expect(await users(page)).toEqual(['user-7']));
    expect(page.url()).toContain('userId=user-7');
    await page.reload();
    const [coupon] = await api('&userId=user-7');
    const later = await open('en', 1440, undefined, `?from=${coupon.claimedAt}`);
    const expected = (await api(`&from=${coupon.claimedAt}`)).map(({ userId }: { userId: string }) => userId);
    expect(await users(later)).toEqual(expected.slice(0, 100));
    await later.locator('input[name=userId]').fill('nobody');
    await later.keyboard.press('Enter');
    await later.getByText('No coupon matches these filters.').waitFor();
    await pages.expectClean(later);
  });

  it('says beside the filter what the API said of it', async () => {
    const page = await open();
    await page.locator('input[name=userId]').fill('two words');
    await page.keyboard.press('Enter');
    await page.locator('.mistake', { hasText: 'Must be a text of 1 to 128' }).waitFor();
    await pages.expectClean(page);
  });

  it.each([
    ['ko', 'CSV 내려받기', 'coupons.csv?lang=ko'],
    ['en', 'Download CSV', 'coupons.csv?lang=en'],
    ['en', 'Download NDJSON', 'coupons.ndjson'],
  ] as const)('downloads what the API exports: %s, %s', async (language, button, path) => {
    const page = await open(language);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: button }).click(),
    ]);
    expect(download.suggestedFilename()).toMatch(new RegExp(`^coupons-${campaign}-.+\\.${path.split(/[.?]/)[1]}$`));
    const answer = await fetch(`${service.url}/api/admin/campaigns/${campaign}/${path}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    const exported = Buffer.from(await answer.arrayBuffer());
    expect(await readFile(await download.path())).toEqual(exported);
    expect(exported.toString('utf8').trimEnd().split('\n').length).toBeGreaterThanOrEqual(ISSUED);
  });

  it('shows a viewer no codes, and no column for them', async () => {
    const page = await open('en', 1440, await makeKey(client, 'viewer'));
    await page.getByText('Codes are shown from the role operator on.').waitFor();
    expect(await page.getByRole('columnheader', { name: /^(Code|Claim)$/ }).count()).toBe(0);
    const [coupon] = await api();
    expect(await page.content()).not.toContain(coupon.code);
    await pages.expectClean(page);
  });

  it('says that none has been issued yet', async () => {
    const none = await client.createCampaign(1);
    const page = await pages.page({ language: 'ko' });
    await signIn(page, service, `/campaigns/${none}/coupons`);
    await page.getByText('아직 발급된 쿠폰이 없습니다.').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-coupons-empty-ko');
  });
});
