import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Page } from 'playwright-core';
import { CLAIM_REFUSALS } from '../../src/domain/refusals.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { APPLY, claimAs, claimsOf, codeOn, CUT, refusal } from './support/drop-page.js';

describePages('a claim on the page of a drop', () => {
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
  const couponsOf = async (campaignId: string): Promise<{ userId: string; code: string }[]> =>
    (await client.admin('GET', `/api/admin/campaigns/${campaignId}/coupons`)).body.items;

  it('whose answer is lost on the way is asked again with its key, and is one claim', async () => {
    const campaignId = await client.createCampaign(5);
    const page = await open(campaignId);
    const claims = claimsOf(page);
    let cuts = 2;
    await page.route(APPLY, async (route) => {
      if (cuts-- <= 0) return route.continue();
      // The service has it, and the page hears nothing.
      await route.fetch();
      await route.abort('connectionreset');
    });
    await claimAs(page, 'cut');
    await page.getByRole('heading', { name: '서비스에 연결되지 않습니다' }).waitFor();
    expect(await page.locator('.place').count()).toBe(0);
    await pages.expectClean(page, CUT);
    await pages.shoot(page, 'drop-network-ko');
    const code = await codeOn(page);
    expect(await couponsOf(campaignId)).toMatchObject([{ userId: 'cut', code }]);
    expect(claims.length).toBe(3);
    expect(new Set(claims.map(({ key }) => key)).size).toBe(1);
    await pages.expectClean(page, CUT);
  });

  it('goes on by itself when the network is back', async () => {
    const campaignId = await client.createCampaign(5);
    const page = await open(campaignId, { language: 'en' });
    await page.locator('button.claim[aria-disabled=false]').waitFor();
    await page.context().setOffline(true);
    await claimAs(page, 'offline');
    await page.getByRole('heading', { name: 'You are offline' }).waitFor();
    await page.getByRole('alert').waitFor();
    await pages.shoot(page, 'drop-offline-en');
    expect(await couponsOf(campaignId)).toEqual([]);
    await page.context().setOffline(false);
    const code = await codeOn(page);
    expect(await couponsOf(campaignId)).toMatchObject([{ userId: 'offline', code }]);
    await page.getByRole('alert').waitFor({ state: 'detached' });
    await pages.expectClean(page, CUT);
  });

  it('goes on by itself after a pause', async () => {
    const campaignId = await client.createCampaign(5);
    const page = await open(campaignId);
    const claims = claimsOf(page);
    await page.route(APPLY, (route) =>
      claims.length > 1 ? route.continue() : route.fulfill(refusal(409, 'campaign-paused')),
    );
    await claimAs(page, 'pause');
    await page.getByRole('heading', { name: '잠시 중단되었습니다' }).waitFor();
    await pages.expectClean(page);
    await codeOn(page);
  });

  it('is possible where the browser forbids the page to keep anything', async () => {
    const campaignId = await client.createCampaign(5);
    const page = await pages.page();
    await page.addInitScript(`{
      const forbid = () => { throw new DOMException('forbidden', 'SecurityError'); };
      for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(globalThis, name, { get: forbid });
      LockManager.prototype.request = async () => forbid();
    }`);
    await page.goto(`${service.url}/drop/${campaignId}`);
    await claimAs(page, 'private');
    const code = await codeOn(page);
    expect(await couponsOf(campaignId)).toMatchObject([{ userId: 'private', code }]);
    await pages.expectClean(page);
  });

  it('survives a reload in the middle, and the way back', async () => {
    const campaignId = await client.createCampaign(5);
    const page = await open(campaignId);
    const claims = claimsOf(page);
    let sent: () => void = () => undefined;
    const isSent = new Promise<void>((resolve) => (sent = resolve));
    await page.route(APPLY, async (route) => {
      if (claims.length > 1) return route.continue();
      await route.fetch();
      // The page is left before it hears the answer.
      sent();
    });
    await claimAs(page, 'reload');
    await isSent;
    await page.reload();
    const code = await codeOn(page);
    expect(await couponsOf(campaignId)).toMatchObject([{ userId: 'reload', code }]);
    expect([claims.length, new Set(claims.map(({ key }) => key)).size]).toEqual([2, 1]);
    await page.goto(`${service.url}/console`);
    await page.goBack();
    expect(await codeOn(page)).toBe(code);
    await page.goForward();
    await page.goBack();
    expect(await codeOn(page)).toBe(code);
    expect(claims.length).toBe(2);
    await pages.expectClean(page);
  });

  it('in two tabs is one claim, and both show it', async () => {
    const campaignId = await client.createCampaign(5);
    const first = await open(campaignId);
    const second = pages.watch(await first.context().newPage());
    await second.goto(`${service.url}/drop/${campaignId}`);
    const claims = [claimsOf(first), claimsOf(second)];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await first.context().route(APPLY, async (route) => {
      await held;
      await route.continue();
    });
    await claimAs(first, 'tabs');
    await second.locator('button.claim').waitFor({ state: 'visible' });
    await claimAs(second, 'tabs');
    await second.getByRole('heading', { name: '신청하고 있습니다' }).waitFor();
    release();
    const code = await codeOn(first);
    expect(await codeOn(second)).toBe(code);
    // Usually one. What one tab has written may reach the other one after the lock, and then the key makes it one claim.
    expect(new Set(claims.flat().map(({ key }) => key)).size).toBe(1);
    expect(await couponsOf(campaignId)).toMatchObject([{ userId: 'tabs', code }]);
    for (const page of [first, second]) await pages.expectClean(page);
  });

  it('keeps its outcome when the service says only later what time it is, and how it identifies callers', async () => {
    const campaignId = await client.createCampaign(5);
    await client.claim('early', campaignId);
    const page = await pages.page({ language: 'en' });
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route('**/api/service', async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(`${service.url}/drop/${campaignId}`);
    await claimAs(page, 'early');
    const outcome = page.getByRole('heading', { name: 'Already claimed' });
    await outcome.waitFor();
    release();
    await page.getByText(/Server’s time .* s\)/).waitFor();
    expect(await outcome.isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Use another name' }).waitFor();
  });

  it('made in one tab shows in another one that only looks', async () => {
    const campaignId = await client.createCampaign(5);
    const first = await open(campaignId);
    await claimAs(first, 'looker-0');
    const looker = pages.watch(await first.context().newPage());
    await looker.goto(`${service.url}/drop/${campaignId}`);
    expect(await codeOn(looker)).toBe(await codeOn(first));
  });

  it('keeps a crowd waiting by Retry-After, and says why', async () => {
    const campaignId = await client.createCampaign(5);
    for (const [status, code, words] of [
      [503, 'busy', '신청이 몰리고'],
      [503, 'issuer-unavailable', '신청을 받지 못하고'],
      [503, 'claim-unconfirmed', '두 번 신청되지는'],
      [429, 'too-many-requests', '잠시 뒤 다시 시도'],
    ] as const) {
      const page = await open(campaignId);
      const claims = claimsOf(page);
      await page.route(APPLY, (route) =>
        claims.length > 1 ? route.continue() : route.fulfill(refusal(status, code, {}, { 'retry-after': '2' })),
      );
      const before = performance.now();
      await claimAs(page, `crowd-${code}`);
      await page.getByRole('heading', { name: words }).waitFor();
      await pages.expectClean(page);
      await pages.shoot(page, `drop-${code}-ko`);
      await codeOn(page);
      expect(performance.now() - before).toBeGreaterThan(2_000);
      await page.close();
    }
  });

  it('tells sold out for good from all reserved, where it goes on, or ends when the person no longer waits', async () => {
    const campaignId = await client.createCampaign(5);
    const page = await open(campaignId);
    const claims = claimsOf(page);
    let answer = refusal(409, 'sold-out', { final: false }, { 'retry-after': '1' });
    await page.route(APPLY, (route) => route.fulfill(answer));
    await claimAs(page, 'patient');
    await page.getByRole('heading', { name: '지금은 모두 예약되었습니다' }).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'drop-reserved-ko');
    await eventually(() => expect(claims.length).toBeGreaterThan(1));
    await page.getByRole('button', { name: '그만 기다리기' }).click();
    await page.getByRole('button', { name: '쿠폰 받기' }).waitFor();
    answer = refusal(409, 'sold-out', { final: true });
    await claimAs(page, 'patient');
    await page.getByRole('heading', { name: '쿠폰을 받지 못했습니다' }).waitFor();
    await page.getByText('모두 소진되었습니다').first().waitFor();
    await pages.expectClean(page);
    // The campaign is open with five left: as after an operator has added stock.
    await page.unroute(APPLY);
    await page.getByRole('button', { name: '다시 신청하기' }).click();
    await codeOn(page);
  });

  it('of a name that has claimed elsewhere is refused without the code', async () => {
    const campaignId = await client.createCampaign(5);
    await client.claim('taken', campaignId);
    const page = await open(campaignId, { language: 'en' });
    await claimAs(page, 'taken');
    await page.getByText('This name has already claimed').first().waitFor();
    expect(await page.locator('.place').innerText()).toBe('No. 1');
    expect(await page.locator('output.value').count()).toBe(0);
    await pages.expectClean(page);
    await pages.shoot(page, 'drop-already-claimed-en');
    await page.getByRole('button', { name: 'Use another name' }).click();
    await claimAs(page, 'free');
    await codeOn(page);
  });

  it.each(['ko', 'en'] as const)('that is refused says so in a sentence of its own: %s', async (language) => {
    const campaignId = await client.createCampaign(5);
    const page = await open(campaignId, { language });
    let code = '';
    await page.route(APPLY, (route) => route.fulfill(refusal(409, code, { final: true })));
    const asksAgain = new Set([
      'campaign-paused',
      'issuer-unavailable',
      'claim-unconfirmed',
      'campaign-not-started',
      'entry-required',
    ]);
    const codes = [
      ...Object.keys(CLAIM_REFUSALS).filter((known) => !asksAgain.has(known)),
      ...['unauthorized', 'not-your-user', 'user-not-usable', 'role-not-allowed', 'validation-failed'],
    ];
    const sentences = new Set<string>();
    for (code of codes) {
      await claimAs(page, `refused-${language}-${code}`);
      const sentence = page.locator('.panel-body.warn > p').first();
      await sentence.waitFor();
      const words = await sentence.innerText();
      // Hangul in the one language, and none in the other.
      expect([code, /[가-힣]/.test(words), words.length > 5]).toEqual([code, language === 'ko', true]);
      expect(words).not.toContain(code);
      expect(await page.getByTestId('announcer').innerText()).toBe(words);
      sentences.add(words);
      await page.locator('button.link').click();
    }
    // Two codes mean the same to a shopper.
    expect(sentences.size).toBe(codes.length - 1);
    await pages.expectClean(page);
  });

  it.each(['Sandy Bridge', '김철수', '', '..'])('needs a name that can be one, not "%s"', async (name) => {
    const campaignId = await client.createCampaign(5);
    const page = await open(campaignId);
    const claims = claimsOf(page);
    await claimAs(page, name);
    await page.getByRole('alert').filter({ hasText: '영문, 숫자와' }).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('name');
    expect(claims).toEqual([]);
    await pages.expectClean(page);
  });
});
