import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { type Service, startService } from '../support/service.js';
import { until } from '../support/until.js';
import { describePages, Pages } from './support/browser.js';
import { signIn } from './support/console.js';

const CAMPAIGNS = 1_000;

describePages('the campaigns of the console', () => {
  let service: Service;
  let pages: Pages;
  let client: Client;

  beforeAll(async () => {
    service = await startService({ DEFAULT_CAMPAIGN_TOTAL: '100' });
    pages = await Pages.open();
    client = new Client(service.adminUrl);
  });
  afterAll(async () => {
    await pages?.close();
    await service.stop();
  });

  it('are made with a form that says beside each field what the API said', async () => {
    const page = await pages.page({ language: 'ko' });
    await signIn(page, service, '/campaigns');
    await page.getByRole('link', { name: '새 캠페인' }).click();
    await page.getByRole('heading', { level: 1, name: '새 캠페인' }).waitFor();
    await page.locator('input[name=total]').fill('0');
    await page.locator('input[name=endsAt]').fill('2020-01-01T00:00:00');
    await page.getByRole('button', { name: '초안으로 저장' }).click();
    await page.locator('input[name=name][aria-invalid=true]').waitFor();
    for (const name of ['name', 'total']) {
      const described = await page.locator(`input[name=${name}]`).getAttribute('aria-describedby');
      expect(described).toContain('mistake');
    }
    await pages.expectClean(page);
    await pages.shoot(page, 'console-new-mistakes-ko');
    await page.locator('input[name=name]').fill('점심 쿠폰');
    await page.locator('input[name=total]').fill('1,000');
    const dialog = page.getByRole('dialog');
    const publish = async (): Promise<void> => {
      await page.getByRole('button', { name: '바로 공개' }).click();
      await dialog.getByRole('button', { name: '바로 공개' }).click();
    };
    await publish();
    // The question gives way to the mistakes.
    await page.locator('input[name=endsAt][aria-invalid=true]').waitFor();
    await dialog.waitFor({ state: 'detached' });
    await page.locator('input[name=endsAt]').fill('2099-01-01T09:00:00');
    await page.getByText('(Asia/Seoul, +09:00)').last().waitFor();
    await publish();
    await page.getByRole('heading', { level: 1, name: '점심 쿠폰' }).waitFor();
    const id = page.url().split('/').pop() ?? '';
    expect((await client.get(`/api/campaigns/${id}`)).body).toMatchObject({
      name: '점심 쿠폰',
      total: 1_000,
      endsAt: '2099-01-01T00:00:00.000Z',
    });
    let answer!: () => void;
    const looked = new Promise<void>((resolve) => (answer = resolve));
    await page.route(`**/api/admin/campaigns/${id}`, (route) => looked.then(() => route.continue()));
    await page.getByRole('link', { name: '복제' }).click();
    // No field before the values: an answer that comes late would overwrite what was typed.
    await page.getByText('불러오는 중').waitFor();
    expect(await page.locator('input[name=name]').count()).toBe(0);
    answer();
    expect(await page.locator('input[name=name]').inputValue()).toBe('점심 쿠폰 (사본)');
    await page.getByRole('button', { name: '초안으로 저장' }).click();
    await page.getByText('초안입니다').waitFor();
  });

  it('are 1,000 that can be searched, and shown page by page', async () => {
    let next = 0;
    const maker = async (): Promise<void> => {
      while (next < CAMPAIGNS) await client.createCampaign(1 + (next++ % 500));
    };
    await Promise.all(Array.from({ length: 20 }, maker));
    const { body } = await client.admin('POST', '/api/admin/campaigns', {
      body: { name: '찾는 쿠폰 Needle', total: 7 },
    });
    await client.admin('POST', `/api/admin/campaigns/${body.id}/pause`);
    await client.createCampaign(3);
    for (let i = 0; i < 120; i++) await client.createCampaign(2);
    for (const [language, theme, width] of [
      ['ko', 'light', 1440],
      ['en', 'dark', 360],
    ] as const) {
      const page = await pages.page({ language, theme, width });
      await signIn(page, service, '/campaigns');
      const rows = page.getByRole('row');
      await rows.nth(100).waitFor();
      expect(await rows.count()).toBe(101);
      await pages.expectClean(page);
      await pages.shoot(page, `console-campaigns-full-${language}-${theme}-${width}`);
      // The list is just being read again when more is asked for.
      let isHeld = false;
      let answer!: () => void;
      const asked = new Promise<void>((resolve) => (answer = resolve));
      await page.route(/\/api\/admin\/campaigns\?(?!.*cursor)/, async (route) => {
        isHeld = true;
        await asked;
        await route.continue();
      });
      await until('the list is read again', () => isHeld);
      await page.getByRole('button', { name: language === 'ko' ? '더 보기' : 'Show more' }).click();
      answer();
      await rows.nth(200).waitFor();
      await page.getByRole('searchbox').fill('needle');
      await page.getByRole('link', { name: '찾는 쿠폰 Needle', exact: true }).waitFor();
      await page.waitForFunction(`document.querySelectorAll('tbody tr').length === 1`);
      await page.getByRole('combobox').selectOption('CLOSED');
      await page.getByText(language === 'ko' ? '조건에 맞는 캠페인이 없습니다' : 'No campaign matches').waitFor();
      await pages.expectClean(page);
      await page.getByRole('combobox').selectOption('PAUSED');
      await page.getByRole('link', { name: '찾는 쿠폰 Needle', exact: true }).waitFor();
      await pages.shoot(page, `console-campaigns-found-${language}-${theme}-${width}`);
    }
  });
});
