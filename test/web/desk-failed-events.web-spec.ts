import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { type Page } from 'playwright-core';
import { Database } from '../../src/ports/database/database.js';
import { claimEvent } from '../support/claims.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { failToPublish } from '../support/failed-events.js';
import { type Service, startService } from '../support/service.js';
import { tableRows } from '../support/table-rows.js';
import { describePages, Pages } from './support/browser.js';
import { makeKey, signIn } from './support/console.js';

const PATH = '/api/admin/failed-events';

describePages('the page of failed events', () => {
  let service: Service;
  let client: Client;
  let pages: Pages;
  let campaign: string;

  beforeAll(async () => {
    // Without the role retry nothing goes on by itself.
    service = await startService({ ROLES: 'api,consumer' });
    client = new Client(service.url);
    pages = await Pages.open();
  });
  afterAll(async () => {
    await pages?.close();
    await service.stop();
  });
  beforeEach(async () => {
    await tableRows(service, "UPDATE failed_events SET status = 'RESOLVED' WHERE status <> ?", ['RESOLVED']);
    campaign = await client.createCampaign(50_000);
  });

  const database = () => service.app.get(Database);
  /** Claims that were taken and not published; the first `dead` of them wait for an operator. */
  const fail = async (count: number, dead: number): Promise<void> => {
    const claims = Array.from({ length: count }, () => claimEvent({ campaignId: campaign, epoch: 1 }));
    for (let from = 0; from < count; from += 1_000) {
      await failToPublish({ database: database() }, ...claims.slice(from, from + 1_000));
    }
    const last = claims[dead];
    const those = last === undefined ? '' : ' AND sequence < ?';
    await tableRows(
      service,
      `UPDATE failed_events SET status = 'DEAD', error_class = 'poison', error_code = 'over-total' WHERE campaign_id = ?${those}`,
      [campaign, ...(last === undefined ? [] : [String(last.sequence)])],
    );
  };
  const unreadable = (count: number): Promise<void> =>
    database().transaction(async (unit) => {
      const failure = { errorClass: 'poison', errorCode: 'unreadable', errorMessage: 'the value is not JSON in UTF-8' };
      const value = Buffer.from('not a claim');
      const records = Array.from({ length: count }, (_, offset) => ({
        record: { topic: `t-${campaign}`, partition: 0, offset, key: null, value, headers: {} },
        claim: null,
        failure,
      }));
      await unit.failedEvents.quarantine(records);
    });
  const statuses = async (): Promise<string[]> => {
    const { body } = await client.admin('GET', `${PATH}?campaignId=${campaign}&limit=1000`);
    return body.items.map(({ status }: { status: string }) => status).sort();
  };
  const audited = async (action: string): Promise<number> => {
    const query = `action=${action}&campaignId=${campaign}&limit=1000`;
    return (await client.admin('GET', `/api/admin/audit-log?${query}`)).body.items.length;
  };
  const open = async (language: 'ko' | 'en' = 'en', path = '/failed-events', width = 1440): Promise<Page> => {
    const page = await pages.page({ language, width, theme: width < 500 ? 'dark' : 'light' });
    await signIn(page, service, path);
    await page.locator('table[aria-busy=false]').waitFor();
    return page;
  };

  it.each(['ko', 'en'] as const)('says that nothing waits: %s', async (language) => {
    const page = await open(language);
    await page.getByText(language === 'ko' ? '기다리는 신청이 없습니다' : 'Nothing waits').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, `desk-failed-empty-${language}`);
  });

  it('has the dead ones first, with why, and all that is known of one', async () => {
    await unreadable(1);
    await fail(5, 2);
    for (const [language, width] of [
      ['ko', 1440],
      ['en', 1440],
      ['ko', 360],
    ] as const) {
      const page = await open(language, '/failed-events', width);
      await eventually(async () => expect(await page.locator('tbody tr').count()).toBe(6));
      const badges = await page.locator('tbody .badge').allTextContents();
      const [dead, waits] = language === 'ko' ? ['운영자 확인 필요', '재시도 대기'] : ['Needs you', 'Waits'];
      expect(badges).toEqual([dead, dead, dead, waits, waits, waits]);
      await pages.expectClean(page);
      if (width === 1440) expect(await hiddenBeside(page)).toBe(0);
      await pages.shoot(page, `desk-failed-${language}-${width}`);
      await page.locator('tbody tr').nth(0).getByRole('button').click();
      await page.getByRole('dialog').waitFor();
      await page.getByRole('dialog').getByText('over-total').waitFor();
      await pages.expectClean(page);
      await pages.shoot(page, `desk-failed-details-${language}-${width}`);
      await page.context().close();
    }
  });

  it('shows the message of one, as what it is, and says why another has none', async () => {
    const failure = { errorClass: 'poison', errorCode: 'unreadable', errorMessage: 'the value is not JSON in UTF-8' };
    const value = Buffer.from(`<img src=x onerror=alert(1)> \u202e${'가'.repeat(400)}`);
    const headers = { 'x-from': Buffer.from([0xff, 0x00]) };
    const record = { topic: 'coupon_create', partition: 0, offset: 7, key: Buffer.from('k'), value, headers };
    await database().transaction((unit) => unit.failedEvents.quarantine([{ record, claim: null, failure }]));
    await fail(1, 0);
    for (const [language, width] of [
      ['ko', 360],
      ['en', 1440],
    ] as const) {
      const page = await open(language, '/failed-events', width);
      const details = page.getByRole('button', { name: language === 'ko' ? /자세히$/ : /^Details of/ });
      await details.nth(0).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText(String.raw`<img src=x onerror=alert(1)> \u{202e}가가`).waitFor();
      await dialog.getByText(Buffer.from([0xff, 0x00]).toString('base64')).waitFor();
      await pages.expectClean(page);
      await pages.shoot(page, `desk-failed-message-${language}-${width}`);
      await page.keyboard.press('Escape');
      await details.nth(1).click();
      await dialog
        .getByText(language === 'ko' ? '로그에서 온 건이 아니어서' : 'It did not come from the log')
        .waitFor();
      await pages.expectClean(page);
      await page.context().close();
    }
  });

  it('says what is wrong when the message cannot be read, beside all else that is known', async () => {
    await unreadable(1);
    const page = await open();
    await page.route(/failed-events\/\d+\/message$/, (route) => route.abort());
    await page.getByRole('button', { name: /^Details of/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The service cannot be reached').waitFor();
    await dialog.getByText('the value is not JSON in UTF-8').waitFor();
  });

  it('requeues one, from the keyboard alone', async () => {
    await fail(1, 1);
    const page = await open();
    await page.getByRole('button', { name: /^Details of/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByRole('button', { name: 'Requeue…' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Claims that the service tries again now: 1.').waitFor();
    await pages.expectClean(page);
    await page.getByRole('button', { name: 'Requeue 1' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('1 requeued.').waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.badge', { hasText: 'Waits' }).waitFor();
    expect(await statuses()).toEqual(['PENDING']);
    await pages.expectClean(page);
  });

  it('discards those that were selected, with the number and a reason, and leaves who changed meanwhile', async () => {
    await fail(4, 4);
    const page = await open();
    await page.getByRole('button', { name: 'Select all 4 shown' }).click();
    await page.locator('input.pick').nth(3).uncheck();
    await page.getByText('3 selected').waitFor();
    const [row] = (await client.admin('GET', `${PATH}?campaignId=${campaign}&limit=1`)).body.items;
    await client.admin('POST', `${PATH}/${row.id}/requeue`, { ifMatch: '*' });
    await page.getByRole('button', { name: 'Discard…', exact: true }).click();
    await page.getByText('Claims that become no coupons, for good: 3.').waitFor();
    const discard = page.getByRole('button', { name: 'Discard 3' });
    expect(await discard.isDisabled()).toBe(true);
    await page.locator('textarea').fill('고객 요청');
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-failed-discard-en');
    await discard.click();
    await page.getByText('2 discarded.').waitFor();
    await page.getByText('another operator or the service has changed them meanwhile: 1.').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-failed-report-en');
    expect(await statuses()).toEqual(['DEAD', 'DISCARDED', 'DISCARDED', 'PENDING']);
    expect(await audited('failed-event.discard')).toBe(2);
  });

  it('says beside the reason what the API says of it', async () => {
    await fail(1, 1);
    const page = await open();
    await page.getByRole('button', { name: 'Select all 1 shown' }).click();
    await page.getByRole('button', { name: 'Discard…', exact: true }).click();
    await page.locator('textarea').fill('r'.repeat(501));
    await page.getByRole('button', { name: 'Discard 1' }).click();
    await page.locator('.mistake').waitFor();
    expect(await page.locator('textarea').getAttribute('aria-invalid')).toBe('true');
    await pages.expectClean(page);
    await page.locator('textarea').fill('a good reason');
    await page.getByRole('button', { name: 'Discard 1' }).click();
    await page.getByText('1 discarded.').waitFor();
    expect(await statuses()).toEqual(['DISCARDED']);
  });

  it('acts on all of a filter by one order, and tells apart what cannot be requeued', async () => {
    await fail(2_490, 2_490);
    await unreadable(10);
    const page = await open('ko');
    await page.getByRole('group', { name: '운영자 확인 필요' }).getByText('2,500').waitFor();
    await pages.shoot(page, 'desk-failed-many-ko');
    await page.getByRole('button', { name: '운영자 확인 필요 2,490건 모두 다시 넣기…' }).click();
    await page.getByText('신청 2,490건을 지금 다시 처리합니다').waitFor();
    await page.getByText('10건은 그대로 둡니다').waitFor();
    await pages.expectClean(page);
    await page.getByRole('button', { name: '2,490건 다시 넣기' }).click();
    await page.getByText('2,490건을 다시 넣었습니다.').waitFor();
    await pages.expectClean(page);
    await page.getByRole('dialog').getByRole('button', { name: '닫기' }).last().click();
    await page.getByRole('group', { name: '재시도 대기' }).getByText('2,490').waitFor();
    await page.getByRole('group', { name: '운영자 확인 필요' }).getByText('10', { exact: true }).waitFor();
  });

  it('stops nothing else when the service goes away in the middle', async () => {
    await fail(3, 3);
    const page = await open();
    await page.getByRole('button', { name: 'Select all 3 shown' }).click();
    await page.getByRole('button', { name: 'Requeue…', exact: true }).click();
    await page.context().setOffline(true);
    await page.getByRole('button', { name: 'Requeue 3' }).click();
    await page.getByText('0 requeued.').waitFor();
    await page.getByText('The service cannot be reached').first().waitFor();
    await pages.expectClean(page, /ERR_INTERNET_DISCONNECTED/);
    await page.context().setOffline(false);
    expect(await statuses()).toEqual(['DEAD', 'DEAD', 'DEAD']);
  });

  it('shows a viewer what waits, and nothing to do about it', async () => {
    await fail(2, 1);
    const page = await pages.page({ language: 'en' });
    await signIn(page, service, '/failed-events', await makeKey(client, 'viewer'));
    await page.locator('tbody tr').first().waitFor();
    expect(await page.locator('input.pick').count()).toBe(0);
    expect(await page.getByRole('button', { name: /Requeue|Discard/ }).count()).toBe(0);
    await page
      .getByRole('button', { name: /^Details of/ })
      .first()
      .click();
    await page.getByRole('dialog').waitFor();
    expect(await page.getByRole('button', { name: /Requeue|Discard/ }).count()).toBe(0);
    await pages.expectClean(page);
  });

  it('says beside the filter what the API said of the campaign', async () => {
    const page = await open();
    await page.locator('input[name=campaignId]').fill('no campaign');
    await page.keyboard.press('Enter');
    await page.locator('.mistake', { hasText: 'Must be 1 to 26 letters' }).waitFor();
    await pages.expectClean(page);
  });
});

/** By how many pixels the table is wider than its place. */
function hiddenBeside(page: Page): Promise<number> {
  return page.locator('.table-scroll').evaluate((table) => {
    const { scrollWidth, clientWidth } = table as unknown as { scrollWidth: number; clientWidth: number };
    return scrollWidth - clientWidth;
  });
}
