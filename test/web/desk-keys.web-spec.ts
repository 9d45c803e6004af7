import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Page } from 'playwright-core';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { makeKey, signIn } from './support/console.js';

describePages('the pages of API keys and of the audit log', () => {
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
    await service.stop();
  });

  const keys = async () => (await client.admin('GET', '/api/admin/keys')).body.items;
  const open = async (path: string, language: 'ko' | 'en' = 'en', key?: string, width = 1440): Promise<Page> => {
    const page = await pages.page({ language, width, theme: width < 500 ? 'dark' : 'light' });
    await signIn(page, service, path, key);
    await page.locator('table[aria-busy=false]').waitFor();
    return page;
  };

  it('makes a key that is shown once, and is closed only by who has kept it', async () => {
    const page = await open('/keys');
    await page.getByText('No key has been made yet.').waitFor();
    await pages.shoot(page, 'desk-keys-empty-en');
    await page.getByRole('button', { name: 'New API key…' }).click();
    await page.locator('dialog input[name=name]').fill('shop backend');
    await page.locator('dialog select[name=role]').selectOption('issuer');
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-keys-form-en');
    await page.getByRole('button', { name: 'Make the key' }).click();
    const secret = page.locator('input.secret');
    await secret.waitFor();
    const text = await secret.inputValue();
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-keys-made-en');
    const close = page.getByRole('dialog').getByRole('button', { name: 'Close' });
    expect(await close.isDisabled()).toBe(true);
    await page.keyboard.press('Escape');
    expect(await secret.isVisible()).toBe(true);
    await page.getByLabel('I have kept the key').check();
    await close.click();
    await page.getByRole('row', { name: /shop backend/ }).waitFor();
    expect(await page.content()).not.toContain(text);
    const answer = await client.send('POST', '/api/coupons/apply', {
      body: { userId: 'someone' },
      headers: { authorization: `Bearer ${text}` },
    });
    expect(answer.status).toBe(202);
    expect(await keys()).toMatchObject([{ name: 'shop backend', role: 'issuer', expiresAt: null }]);
  });

  it('says beside each field what the API said', async () => {
    const page = await open('/keys', 'ko');
    await page.getByRole('button', { name: '새 API 키…' }).click();
    await page.locator('dialog input[name=expiresAt]').fill('2020-01-01T00:00');
    await page.getByRole('button', { name: '키 만들기' }).click();
    await page.locator('.mistake', { hasText: '눈에 보이는 1~100자' }).waitFor();
    await page.locator('dialog input[name=name]').fill('이름');
    await page.getByRole('button', { name: '키 만들기' }).click();
    await page.locator('.mistake', { hasText: '미래의 시각이어야 합니다.' }).waitFor();
    await pages.expectClean(page);
  });

  it('revokes a key once its name was typed, from the keyboard alone', async () => {
    const made = await makeKey(client, 'viewer', '임시 조회자');
    const page = await open('/keys', 'ko');
    await page.getByRole('button', { name: '임시 조회자 폐기…' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('dialog input').waitFor();
    const revoke = page.getByRole('dialog').getByRole('button', { name: '폐기', exact: true });
    expect(await revoke.isDisabled()).toBe(true);
    await pages.shoot(page, 'desk-keys-revoke-ko');
    await page.locator('dialog input').focus();
    await page.keyboard.type('임시 조회자');
    await page.keyboard.press('Enter');
    await page.locator('.badge', { hasText: '폐기됨' }).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-keys-ko');
    const asKey = { headers: { authorization: `Bearer ${made}` } };
    expect((await client.send('GET', '/api/admin/failed-events', asKey)).status).toBe(401);
  });

  it('are not for an operator, and the page says for whom', async () => {
    const page = await open('/keys', 'en', await makeKey(client, 'operator'));
    await page.getByText('API keys are for the role admin. You have signed in with the role operator.').waitFor();
    expect(await page.getByRole('button', { name: /New API key|Revoke/ }).count()).toBe(0);
    await pages.expectClean(page);
  });

  it.each([
    ['ko', 1440],
    ['en', 1440],
    ['ko', 360],
  ] as const)('tell who did what: %s, %i px', async (language, width) => {
    const campaign = await client.createCampaign(100);
    const { headers } = await client.get(`/api/campaigns/${campaign}`);
    const ifMatch = headers.get('etag') ?? '*';
    const namesake = await client.admin('POST', '/api/admin/keys', { body: { name: 'night shift', role: 'operator' } });
    const headersOfKey = { authorization: `Bearer ${namesake.body.key}` };
    const change = { body: { total: 200 }, ifMatch, headers: headersOfKey };
    await client.admin('PATCH', `/api/admin/campaigns/${campaign}`, change);
    const page = await open('/audit', language, undefined, width);
    await pages.expectClean(page);
    await page.locator('select[name=action]').selectOption('campaign.change');
    await page.locator('input[name=campaignId]').fill(campaign);
    await page.keyboard.press('Enter');
    await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(1));
    expect(await page.locator('tbody tr .changes').textContent()).toMatch(
      language === 'ko' ? /총 수량 100 →.*200/ : /Total 100 →.*200/,
    );
    expect(page.url()).toContain('action=campaign.change');
    // Another key may have the same name.
    await page
      .locator('tbody tr')
      .getByText(`…${namesake.body.id.slice(-6)}`)
      .waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, `desk-audit-${language}-${width}`);
    await page.goBack();
    await page.locator('tbody tr').nth(2).waitFor();
  });

  it.each(['ko', 'en'] as const)(
    'tell what was done in a time, with instants as the operator reads them: %s',
    async (language) => {
      const campaign = await client.createCampaign(100, { endsAt: '2099-12-01T03:00:00Z' });
      const page = await open('/audit', language);
      await page.locator('input[name=campaignId]').fill(campaign);
      await page.locator('input[name=from]').fill('2020-01-01T00:00');
      await page.keyboard.press('Enter');
      await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(1));
      await page
        .locator('.changes', { hasText: language === 'ko' ? '2099년 12월 1일 12시' : 'Dec 1, 2099, 12:00:00' })
        .waitFor();
      expect(await page.locator('.changes').textContent()).not.toContain('4099');
      expect(new URL(page.url()).searchParams.get('from')).toBe('2019-12-31T15:00:00.000Z');
      await pages.expectClean(page);
      await pages.shoot(page, `desk-audit-time-${language}`);
      await page.locator('input[name=to]').fill('2020-01-02T00:00');
      await page.keyboard.press('Enter');
      await page
        .locator('.table-empty', { hasText: language === 'ko' ? '맞는 기록이 없습니다' : 'No entry matches' })
        .waitFor();
    },
  );

  it('say beside the filter what the API said, and are not for viewers', async () => {
    const page = await open('/audit');
    await page.locator('input[name=actor]').fill('nobody in particular');
    await page.keyboard.press('Enter');
    await page.locator('.mistake', { hasText: 'Must be the id of an API key' }).waitFor();
    // Once, and without the rows of the filters before.
    expect(await page.getByText('Must be the id of an API key').count()).toBe(1);
    expect(await page.locator('tbody tr').count()).toBe(0);
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-audit-refused-en');
    const viewer = await open('/audit', 'en', await makeKey(client, 'viewer'));
    await viewer.getByText('The audit log is for operators and admins.').waitFor();
    await pages.expectClean(viewer);
  });
});
