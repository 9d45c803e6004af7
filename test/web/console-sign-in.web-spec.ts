import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { signIn } from './support/console.js';
import { refusal } from './support/drop-page.js';

describePages('signing in to the console', () => {
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

  it.each(['ko', 'en'] as const)('opens the page that was asked for: %s', async (language) => {
    const page = await pages.page({ language });
    await page.goto(`${service.adminUrl}/console`);
    await page.locator('input[name=key]').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, `console-sign-in-${language}`);
    await signIn(page, service, '/campaigns');
    await page.getByRole('heading', { level: 1, name: language === 'ko' ? '캠페인' : 'Campaigns' }).waitFor();
    await page.getByRole('row').nth(1).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, `console-campaigns-first-${language}`);
  });

  it('says what is wrong with a key, and keeps it', async () => {
    const page = await pages.page({ language: 'en' });
    await page.goto(`${service.adminUrl}/console`);
    await page.locator('input[name=key]').fill('not-a-key');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('This key is wrong.').waitFor();
    expect(await page.locator('input[name=key]').inputValue()).toBe('not-a-key');
    await pages.expectClean(page);
  });

  it.each([
    ['ko', '한/영 전환을 확인해 주세요'],
    ['en', 'Is the keyboard set to English?'],
  ] as const)('asks for the keyboard where no key has such letters, and sends nothing: %s', async (language, words) => {
    const page = await pages.page({ language });
    await page.goto(`${service.adminUrl}/console`);
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') sent.push(request.url());
    });
    await page.locator('input[name=key]').fill('차_오타');
    await page.keyboard.press('Enter');
    await page.locator('.mistake', { hasText: words }).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, `console-sign-in-keyboard-${language}`);
    expect(sent).toEqual([]);
  });

  it.each([
    ['ko', '37초 뒤에 다시 시도해 주세요'],
    ['en', 'Try again in 37 s.'],
  ] as const)('says for how long an address is closed to guesses: %s', async (language, words) => {
    const page = await pages.page({ language });
    await page.route('**/api/admin/session', (route) =>
      route.request().method() === 'POST'
        ? route.fulfill(refusal(429, 'too-many-requests', {}, { 'retry-after': '37' }))
        : route.continue(),
    );
    await page.goto(`${service.adminUrl}/console`);
    await page.locator('input[name=key]').fill('guess');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText(words).waitFor();
    await pages.expectClean(page);
  });

  it.each([
    ['ko', 'ADMIN_TOKEN으로 로그인', '캠페인'],
    ['en', 'Sign in with ADMIN_TOKEN', 'Campaigns'],
  ] as const)(
    'offers ADMIN_TOKEN while the database cannot say who has signed in: %s',
    async (language, offer, campaigns) => {
      const page = await pages.page({ language });
      await page.route('**/api/admin/session', (route) => route.fulfill(refusal(503, 'database-unavailable')));
      await page.goto(`${service.adminUrl}/console`);
      await page.getByRole('button', { name: offer }).waitFor();
      await pages.expectClean(page);
      await pages.shoot(page, `console-database-away-${language}`);
      await page.getByRole('button', { name: offer }).click();
      await page.locator('input[name=key]').fill(ADMIN_TOKEN);
      await page.unroute('**/api/admin/session');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: campaigns }).waitFor();
      await pages.expectClean(page);
    },
  );

  it('fits a telephone', async () => {
    const page = await pages.page({ language: 'ko', width: 360, theme: 'dark' });
    await signIn(page, service, '/campaigns');
    await page.getByRole('row').nth(1).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'console-campaigns-first-360-dark');
  });
});
