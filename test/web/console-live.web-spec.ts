import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Page } from 'playwright-core';
import { Client } from '../support/client.js';
import { ADMIN_TOKEN, type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { figure, signIn } from './support/console.js';

const ADMIN = { authorization: `Bearer ${ADMIN_TOKEN}` };
const USERS = 2_000;
const AT_ONCE = 50;

describePages('a campaign in the console while it runs', () => {
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

  async function create(name: string, total: number): Promise<string> {
    const { body } = await client.send('POST', '/api/admin/campaigns', { headers: ADMIN, body: { name, total } });
    return body.id;
  }

  async function claimAll(campaignId: string): Promise<void> {
    let next = 0;
    const claimer = async (): Promise<void> => {
      while (next < USERS) await client.claim(`user-${next++}`, campaignId);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, claimer));
  }

  it('shows a drop while 2,000 users claim, and ends with the numbers of the audit', async () => {
    const id = await create('점심 쿠폰', 1_000);
    const page = await pages.page({ language: 'ko' });
    await signIn(page, service, `/campaigns/${id}`);
    await page.getByText('실시간', { exact: true }).waitFor();
    expect(await figure(page, '남은 수량')).toBe('1,000 개');
    await claimAll(id);
    await page.getByText('모두 발급되었습니다').waitFor();
    await page.getByRole('group', { name: '발급된 쿠폰' }).getByText('1,000').waitFor();
    await page.getByRole('group', { name: '발급 대기' }).getByText(/^0/).waitFor();
    const { body: audit } = await client.get(`/api/admin/campaigns/${id}/audit`, ADMIN);
    expect({ ...audit, total: 1_000 }).toMatchObject({ gate: 1_000, issued: 1_000, rows: 1_000, pending: 0 });
    expect(await figure(page, '남은 수량')).toBe('0 개');
    await pages.expectClean(page);
    await shootAll(page, 'console-live');
  });

  async function shootAll(page: Page, name: string): Promise<void> {
    await pages.shoot(page, `${name}-ko`);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.getByRole('button', { name: 'English' }).click();
    await pages.shoot(page, `${name}-en-dark`);
    await pages.expectClean(page);
    await page.setViewportSize({ width: 360, height: 900 });
    await pages.shoot(page, `${name}-en-dark-360`);
    await pages.expectClean(page);
    await page.emulateMedia({ colorScheme: 'light' });
  }
});
