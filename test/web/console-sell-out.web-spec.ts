import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Database } from '../../src/ports/database/database.js';
import { claimEvent } from '../support/claims.js';
import { Client } from '../support/client.js';
import { failToPublish } from '../support/failed-events.js';
import { type Service, startService } from '../support/service.js';
import { tableRows } from '../support/table-rows.js';
import { describePages, Pages } from './support/browser.js';
import { figure, makeKey, signIn } from './support/console.js';

const WORDS = {
  ko: {
    claimed: '모두 신청됨',
    none: '남은 수량이 없습니다. 2건은 아직 발급되지 않았고',
    waits: '운영자 확인 필요',
    link: '발급 실패 건 보기',
    nav: '1건은 운영자 확인 필요',
  },
  en: {
    claimed: 'All claimed',
    none: 'None is left. 2 are not issued yet',
    waits: 'Waits for an operator',
    link: 'See the failed events',
    nav: '1 wait for an operator',
  },
} as const;

describePages('a campaign that is all claimed while a claim waits for an operator', () => {
  let service: Service;
  let pages: Pages;
  let client: Client;

  beforeAll(async () => {
    // Without a consumer no claim becomes a coupon.
    service = await startService({ ROLES: 'api' });
    pages = await Pages.open();
    client = new Client(service.adminUrl);
  });
  afterAll(async () => {
    await pages?.close();
    await service.stop();
  });

  it('says that none is left, and how many wait, where the operator comes from', async () => {
    const id = await client.createCampaign(2);
    for (const user of ['a', 'b']) expect((await client.claim(user, id)).status).toBe(202);
    await failToPublish({ database: service.app.get(Database) }, claimEvent({ campaignId: id, epoch: 1 }));
    await tableRows(service, "UPDATE failed_events SET status = 'DEAD' WHERE campaign_id = ?", [id]);
    for (const [language, theme, width] of [
      ['ko', 'light', 1440],
      ['en', 'dark', 360],
    ] as const) {
      const words = WORDS[language];
      const page = await pages.page({ language, theme, width });
      await signIn(page, service, '/campaigns', await makeKey(client, 'viewer'));
      await page.getByRole('row').filter({ hasText: words.claimed }).getByRole('link').first().click();
      await page.locator('.campaign-facts').getByText(words.claimed, { exact: true }).waitFor();
      await page.getByText(words.none).waitFor();
      const link = page.getByRole('link', { name: words.link });
      await link.waitFor();
      expect(await figure(page, words.waits)).toBe('1');
      await page.getByRole('navigation').getByRole('link', { name: words.nav }).waitFor();
      await pages.expectClean(page);
      await pages.shoot(page, `console-all-claimed-${language}-${theme}-${width}`);
      await link.click();
      await page.waitForURL('**/failed-events?**');
      expect(new URL(page.url()).search).toBe(`?status=DEAD&campaignId=${id}`);
      await page.locator('tbody tr').waitFor();
    }
  });
});
