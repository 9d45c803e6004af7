import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Page } from 'playwright-core';
import { Client } from '../support/client.js';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { signIn } from './support/console.js';

const WORDS = {
  ko: {
    publish: '바로 공개',
    now: '지금 바로',
    copy: '복제',
    draft: '초안입니다',
    page: '고객이 보는 페이지',
    open: '새 탭에서 열기',
    later: '공개한 뒤에',
    copyPath: '경로 복사',
  },
  en: {
    publish: 'Create and publish',
    now: 'NOW',
    copy: 'Duplicate',
    draft: 'A draft: until it is published',
    page: 'Shopper’s page',
    open: 'Open in a new tab',
    later: 'Visible there after publishing',
    copyPath: 'Copy the path',
  },
} as const;
type Language = keyof typeof WORDS;

describePages('how a campaign is made public', () => {
  let service: Service;
  let pages: Pages;
  let client: Client;

  beforeAll(async () => {
    service = await startService();
    pages = await Pages.open();
    client = new Client(service.adminUrl);
  });
  afterAll(async () => {
    await pages?.close();
    await service.stop();
  });

  const stateOf = async (page: Page): Promise<string> => {
    const id = page.url().split('/').pop() ?? '';
    return (await client.admin('GET', `/api/admin/campaigns/${id}`)).body.state;
  };

  it.each([
    ['ko', 'light', 1440],
    ['en', 'dark', 360],
  ] as const)('Enter makes a draft, also of a copy: %s', async (language, theme, width) => {
    const words = WORDS[language];
    const page = await pages.page({ language, theme, width });
    await signIn(page, service, '/campaigns/new');
    await page.locator('input[name=name]').fill(`Enter ${language}`);
    await page.locator('input[name=total]').fill('7');
    await page.keyboard.press('Enter');
    await page.getByText(words.draft).waitFor();
    expect(await stateOf(page)).toBe('DRAFT');
    const section = page.getByRole('region', { name: words.page });
    const id = page.url().split('/').pop();
    expect(await section.locator('code').textContent()).toBe(`${service.adminUrl}/drop/${id}`);
    await section.getByText(words.later).waitFor();
    expect(await section.getByRole('link').count()).toBe(0);
    await pages.expectClean(page);
    await pages.shoot(page, `console-draft-${language}-${theme}-${width}`);
    await page.getByRole('link', { name: words.copy }).click();
    await page.locator('input[name=name]').focus();
    await page.keyboard.press('Enter');
    await page.getByText(words.draft).waitFor();
    expect(page.url()).not.toContain(id);
    expect(await stateOf(page)).toBe('DRAFT');
  });

  it.each([
    ['ko', 'dark', 360],
    ['en', 'light', 1440],
  ] as const)('asks with name, total, start and end before it is public: %s', async (language, theme, width) => {
    const words = WORDS[language];
    const page = await pages.page({ language, theme, width });
    await signIn(page, service, '/campaigns/new');
    await page.locator('input[name=name]').fill(`Asked ${language}`);
    await page.locator('input[name=total]').fill('1,234');
    await page.locator('input[name=endsAt]').fill('2099-01-01T09:00');
    const publish = page.getByRole('button', { name: words.publish });
    await publish.click();
    const dialog = page.getByRole('dialog');
    for (const told of [`Asked ${language}`, '1,234', words.now, '2099']) {
      await dialog.locator('dd').filter({ hasText: told }).waitFor();
    }
    await pages.expectClean(page);
    await pages.shoot(page, `console-publish-${language}-${theme}-${width}`);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    const { items } = (await client.admin('GET', '/api/admin/campaigns')).body;
    expect(items.filter(({ name }: { name: string }) => name === `Asked ${language}`)).toEqual([]);
    await publish.click();
    await dialog.getByRole('button', { name: words.publish }).click();
    await page.getByRole('heading', { level: 1, name: `Asked ${language}` }).waitFor();
    expect(await stateOf(page)).toBe('OPEN');
    await pages.shoot(page, `console-published-${language}-${theme}-${width}`);
    await pages.expectClean(page);
    const opened = page.context().waitForEvent('page');
    await page.getByRole('link', { name: words.open }).click();
    const shop = pages.watch(await opened);
    await shop.getByRole('heading', { level: 1, name: `Asked ${language}` }).waitFor();
  });

  it('shows the path alone where shoppers use another port than operators', async () => {
    const apart = await startService({ ADMIN_PORT: '0' });
    try {
      const id = await new Client(apart.adminUrl).createCampaign(5);
      for (const language of ['ko', 'en'] satisfies Language[]) {
        const page = await pages.page({ language });
        await signIn(page, apart, `/campaigns/${id}`);
        const section = page.getByRole('region', { name: WORDS[language].page });
        expect(await section.locator('code').textContent()).toBe(`/drop/${id}`);
        await section.getByRole('button', { name: WORDS[language].copyPath }).waitFor();
        expect(await section.getByRole('link').count()).toBe(0);
        await pages.shoot(page, `console-other-port-${language}`);
      }
    } finally {
      await apart.stop();
    }
  });
});
