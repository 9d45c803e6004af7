import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { signIn } from './support/console.js';

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
    await page.getByRole('alert').getByText('Unauthorized', { exact: true }).waitFor();
    expect(await page.locator('input[name=key]').inputValue()).toBe('not-a-key');
    await pages.expectClean(page);
  });

  it('fits a telephone', async () => {
    const page = await pages.page({ language: 'ko', width: 360, theme: 'dark' });
    await signIn(page, service, '/campaigns');
    await page.getByRole('row').nth(1).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'console-campaigns-first-360-dark');
  });
});
