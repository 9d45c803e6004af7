import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '../../stack/server-process.js';
import { type Backend, openBackend } from '../support/backend.js';
import { Client } from '../support/client.js';
import { ServiceProcess } from '../support/service-process.js';
import { describePages, Pages } from './support/browser.js';
import { figure, makeKey, signIn } from './support/console.js';

/** What the browser says of a service that is away. */
const AWAY = /net::ERR_|Failed to load resource/;

describePages('the console while the service is away', () => {
  let backend: Backend;
  let pages: Pages;
  let service: ServiceProcess;
  let client: Client;
  let port: number;
  let adminUrl: string;

  beforeAll(async () => {
    backend = await openBackend();
    port = await freePort();
    adminUrl = `http://127.0.0.1:${port}`;
    service = await ServiceProcess.start(backend, port);
    client = new Client(adminUrl).withFreshConnections();
    pages = await Pages.open();
  });
  afterAll(async () => {
    await pages?.close();
    await service.end('SIGKILL');
    await backend.remove();
  });

  it('says so and since when, greys its numbers out, and goes on by itself when it is back', async () => {
    const id = await client.createCampaign(10);
    await client.claim('a', id);
    const page = await pages.page({ language: 'en' });
    await signIn(page, { adminUrl }, `/campaigns/${id}`);
    await page.getByText('Numbers: up to date').waitFor();
    await page.getByRole('group', { name: 'Stock left', exact: true }).getByText('9').waitFor();
    await service.end('SIGKILL');
    await page.getByText(/Connection lost since \d\d:\d\d:\d\d/).waitFor();
    expect(await page.locator('.figure').count()).toBe(await page.locator('.figure.stale').count());
    expect(await figure(page, 'Stock left')).toBe('9 coupons');
    await pages.expectClean(page, AWAY);
    await pages.shoot(page, 'console-away-en');
    service = await ServiceProcess.start(backend, port);
    await client.claim('b', id);
    await page.getByText('Numbers: up to date').waitFor();
    await page.getByRole('group', { name: 'Stock left', exact: true }).getByText('8').waitFor();
    expect(await page.locator('.figure.stale').count()).toBe(0);
    await pages.expectClean(page, AWAY);
  });

  it('asks to sign in again over the page, with all that was typed', async () => {
    const made = await client.admin('POST', '/api/admin/keys', { body: { name: 'noon', role: 'operator' } });
    const page = await pages.page({ language: 'ko' });
    await signIn(page, { adminUrl }, '/campaigns/new', made.body.key);
    await page.locator('input[name=name]').fill('저녁 쿠폰');
    await page.locator('input[name=total]').fill('30');
    await client.admin('DELETE', `/api/admin/keys/${made.body.id}`);
    // The form asks the service only when it is sent.
    await page.getByRole('button', { name: '초안으로 저장' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('입력한 내용은 그대로').waitFor();
    expect(await page.locator('input[name=name]').inputValue()).toBe('저녁 쿠폰');
    await pages.expectClean(page);
    await pages.shoot(page, 'console-expired-ko');
    await dialog.locator('input[name=key]').fill(await makeKey(client, 'operator'));
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.locator('input[name=name]').inputValue()).toBe('저녁 쿠폰');
    await page.getByRole('button', { name: '초안으로 저장' }).click();
    await page.getByRole('heading', { level: 1, name: '저녁 쿠폰' }).waitFor();
  });

  it('greys the list out, and goes on by itself', async () => {
    const id = await client.createCampaign(10);
    const page = await pages.page({ language: 'en', theme: 'dark' });
    await signIn(page, { adminUrl }, '/campaigns');
    await page.getByText(id).waitFor();
    await page.route('**/api/admin/campaigns?**', (route) => route.abort());
    await page.getByText('not refreshed since').waitFor();
    await page.locator('.stale .table-scroll').waitFor();
    await pages.expectClean(page, AWAY);
    await pages.shoot(page, 'console-list-away-en');
    await page.unroute('**/api/admin/campaigns?**');
    await page.getByText(/as of \d\d/).waitFor();
    expect(await page.locator('.stale').count()).toBe(0);
  });

  it('asks for nothing by itself behind the question to sign in again', async () => {
    const id = await client.createCampaign(10);
    const page = await pages.page({ language: 'en' });
    // The time of the page is the test's, so that none has to pass.
    await page.clock.install();
    await signIn(page, { adminUrl }, `/campaigns/${id}`);
    await page.getByText('Numbers: up to date').waitFor();
    const over = { type: 'about:blank', title: 'Over', status: 401, code: 'session-expired' };
    await page.route(`**/api/admin/campaigns/${id}`, (route) =>
      route.fulfill({ status: 401, contentType: 'application/problem+json', body: JSON.stringify(over) }),
    );
    await page.clock.runFor(10_000);
    await page.getByRole('dialog').getByText('Your session has ended').waitFor();
    await page.clock.runFor(60_000);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.clock.runFor(120_000);
    expect(asked.filter((url) => url.includes('/api/'))).toEqual([]);
  });

  it('says reload on a page of an older build', async () => {
    const page = await pages.page({ language: 'en' });
    await signIn(page, { adminUrl }, '/campaigns');
    await page.route('**/console', async (route) => {
      const answer = await route.fetch();
      const html = (await answer.text()).replace(/console-[\w-]+\.js/, 'console-AnotherOne.js');
      await route.fulfill({ response: answer, body: html });
    });
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
    await page.getByText('The service was upgraded').waitFor();
    await page.getByRole('button', { name: 'Reload' }).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'console-older-build-en');
  });
});
