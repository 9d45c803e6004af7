import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Page } from 'playwright-core';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { makeKey, signIn } from './support/console.js';

describePages('the search for a customer', () => {
  let service: Service;
  let client: Client;
  let pages: Pages;
  let campaign: string;

  beforeAll(async () => {
    service = await startService();
    pages = await Pages.open();
    client = new Client(service.url);
    campaign = await client.createCampaign(1, { name: '정오의 쿠폰' });
    await client.claim('winner', campaign);
    expect((await client.claim('loser', campaign)).body.code).toBe('sold-out');
    await eventually(async () => {
      const { body } = await client.admin('GET', '/api/admin/search?q=loser');
      expect(body.users[0].campaigns[0].refusals[0].afterSoldOutMs).toEqual(expect.any(Number));
    });
  });
  afterAll(async () => {
    await pages?.close();
    await service.stop();
  });

  const search = async (page: Page, q: string): Promise<void> => {
    await page.locator('input[name=q]').fill(q);
    await page.keyboard.press('Enter');
  };
  const stories = async (q: string) => (await client.admin('GET', `/api/admin/search?q=${q}`)).body.users;

  it.each([
    ['ko', /^고객님께서는 \d\d:\d\d:\d\d\.\d{3}에 신청하셨으나, .*쿠폰이 모두 소진/],
    ['en', /^Pressed at \d\d:\d\d:\d\d\.\d{3}, .*last coupon/],
  ] as const)('says to the one who got nothing why: %s', async (language, sentence) => {
    const page = await pages.page({ language });
    await signIn(page, service, '/search');
    await search(page, 'loser');
    const answer = page.locator('.story-answer p');
    await answer.waitFor();
    expect(await answer.textContent()).toMatch(sentence);
    // Nobody proves who they are to this service, so support cannot say that it was this person.
    await page.getByText('IDENTITY=open').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, `desk-search-loser-${language}`);
  });

  it('keeps what is typed in the moment in which the field appears', async () => {
    const page = await pages.page({ language: 'en' });
    await page.addInitScript(() => {
      // Before the browser has painted the page, as a fast typist or a password manager does on a slow machine.
      const { document, MutationObserver, Event } = globalThis as unknown as Dom;
      const seen = new MutationObserver(() => {
        const field = document.querySelector('input[name=q]');
        if (field === null) return;
        seen.disconnect();
        field.value = 'loser';
        field.dispatchEvent(new Event('input', { bubbles: true }));
      });
      seen.observe(document, { childList: true, subtree: true });
    });
    await signIn(page, service, '/search');
    // The effects of the page have run.
    await page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))');
    expect(await page.locator('input[name=q]').inputValue()).toBe('loser');
    await page.keyboard.press('Tab');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.locator('.story-answer p').waitFor();
  });

  it('finds the winner by user, claim and code, and shows the same', async () => {
    const [{ campaigns }] = await eventually(async () => {
      const users = await stories('winner');
      expect(users[0].campaigns[0].claim.status).toBe('ISSUED');
      return users;
    });
    const { claimId, code } = campaigns[0].claim;
    const page = await pages.page({ language: 'en' });
    await signIn(page, service, '/search');
    for (const [q, foundBy] of [
      ['winner', 'user’s id'],
      [claimId, 'by the claim'],
      [code, 'by the code'],
      // As a customer writes it in a mail.
      [
        code
          .toLowerCase()
          .replace(/(.{4})(?!$)/g, '$1-')
          .replace(/1/g, 'l')
          .replace(/0/g, 'o'),
        'by the code',
      ],
      [code.replace(/(.{4})(?!$)/g, '$1 '), 'by the code'],
    ]) {
      await search(page, q);
      await page.getByRole('heading', { name: foundBy }).waitFor();
      await page.getByText('as number 1 in line, and got a coupon').waitFor();
      expect(await page.getByText(code, { exact: true }).count()).toBe(1);
    }
    await page.getByRole('button', { name: 'Copy the code' }).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-search-winner-en');
  });

  it('shows a viewer no code', async () => {
    const page = await pages.page({ language: 'en' });
    await signIn(page, service, '/search?q=winner', await makeKey(client, 'viewer'));
    await page.getByText('and got a coupon').waitFor();
    await page.getByText('The code is shown from the role operator on.').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-search-viewer-en');
    const [{ campaigns }] = await stories('winner');
    expect(await page.content()).not.toContain(campaigns[0].claim.code);
    expect(await page.content()).not.toContain(campaigns[0].claim.claimId);
  });

  it('says that nothing is known of somebody, and what that means', async () => {
    const page = await pages.page({ language: 'ko', width: 360, theme: 'dark' });
    await signIn(page, service, '/search');
    await search(page, 'nobody');
    await page.getByRole('heading', { name: '"nobody"에 대해 알려진 것이 없습니다.' }).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-search-nobody-360-dark');
  });

  it('does not say that a call did not count while the gate does not answer, and asks again when told to', async () => {
    const page = await pages.page({ language: 'en' });
    const doubt = {
      users: [
        {
          userId: 'doubtful',
          foundBy: 'user',
          campaigns: [
            {
              campaignId: campaign,
              name: 'noon',
              soldOutAt: null,
              claim: null,
              refusals: [{ code: 'claim-unconfirmed', refusedAt: '2026-12-01T03:00:00.184Z', requestId: 'r' }],
            },
          ],
        },
      ],
      gateAnswered: false,
      complete: true,
    };
    await page.route('**/api/admin/search**', (route) => route.fulfill({ json: doubt }));
    await signIn(page, service, '/search');
    await search(page, 'doubtful');
    await page.locator('.badge', { hasText: 'Not known yet' }).waitFor();
    await page.getByText('The gate did not answer.').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-search-doubt-en');
    await page.unroute('**/api/admin/search**');
    await page.route('**/api/admin/search**', (route) => route.fulfill({ json: { ...doubt, gateAnswered: true } }));
    await page.locator('input[name=q]').press('Enter');
    await page.getByText('that call did not count').waitFor();
  });

  it('says beside the field what the API said of the text', async () => {
    const page = await pages.page({ language: 'en' });
    await signIn(page, service, '/search');
    await search(page, '정오의 쿠폰');
    const field = page.locator('input[name=q]');
    await page.locator('.mistake', { hasText: 'Must be the id of a user' }).waitFor();
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    await pages.expectClean(page);
  });
});

/** Of the page, what the test uses there. */
interface Dom {
  readonly document: { querySelector(selector: string): (EventTarget & { value: string }) | null };
  readonly MutationObserver: new (seen: () => void) => { observe(node: unknown, of: object): void; disconnect(): void };
  readonly Event: typeof Event;
}
