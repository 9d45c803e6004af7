import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Page, type Route } from 'playwright-core';
import { TOPOLOGY } from '../support/backend.js';
import { Client } from '../support/client.js';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages, type View } from './support/browser.js';
import { APPLY, claimAs, claimsOf, codeOn, CUT, refusal } from './support/drop-page.js';

/** Both languages, both themes, a phone and a desk: each state is seen in two of the eight ways, in turn. */
const VIEWS: readonly View[] = [
  { language: 'ko', theme: 'light', width: 360 },
  { language: 'en', theme: 'dark', width: 1440 },
  { language: 'en', theme: 'light', width: 360 },
  { language: 'ko', theme: 'dark', width: 360 },
  { language: 'ko', theme: 'light', width: 1440 },
  { language: 'en', theme: 'dark', width: 360 },
];
const nameOf = ({ language, theme, width }: View): string => `${language}-${theme}-${width}`;

describePages('each state of the page of a drop', () => {
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

  /** Shows a state in every view, and looks at each. */
  const inAllViews = async (
    state: string,
    campaign: string,
    words: Readonly<Record<'ko' | 'en', string | RegExp>>,
    reach: (page: Page, view: View) => Promise<void> = () => Promise.resolve(),
    allowed?: RegExp,
  ): Promise<void> => {
    for (const view of VIEWS) {
      const page = await pages.page(view);
      await page.goto(`${service.url}/drop/${campaign}`);
      await reach(page, view);
      await page
        .getByText(words[view.language ?? 'ko'])
        .first()
        .waitFor();
      await pages.expectClean(page, allowed);
      await pages.shoot(page, `state-${state}-${nameOf(view)}`);
      await page.context().close();
    }
  };
  const make = (total: number, more: object = {}): Promise<string> =>
    client.createCampaign(total, { name: '12월의 크리스마스 마켓 5,000원 쿠폰', ...more });
  const act = async (id: string, action: string): Promise<void> => {
    const { status } = await client.admin('POST', `/api/admin/campaigns/${id}/${action}`, { ifMatch: '*' });
    expect(status).toBe(200);
  };

  it('before the start', async () => {
    const startsAt = new Date(Date.now() + 93_784_000).toISOString();
    await inAllViews(
      'scheduled',
      await make(5_000, { startsAt }),
      { ko: '시작 전', en: 'Not started' },
      async (page) => {
        await page.locator('.digits').first().filter({ hasText: /\d/ }).waitFor();
      },
    );
  });

  it('open, with a name that is too long for its line', async () => {
    const name = `${'아주긴이름의쿠폰행사'.repeat(8)} ${'W'.repeat(90)}`;
    await inAllViews('open-long', await make(1_000_000, { name }), { ko: '진행 중', en: 'Open now' });
  });

  it('while the claim is under way', async () => {
    const words = { ko: '신청하고 있습니다', en: 'Claiming' };
    await inAllViews('asking', await make(5_000), words, async (page, view) => {
      await page.route(APPLY, () => undefined);
      await claimAs(page, `asking-${nameOf(view)}`);
    });
  });

  it('while the claim is accepted and not issued', async () => {
    const words = { ko: '신청되었습니다', en: 'Your claim is in' };
    await inAllViews('accepted', await make(5_000), words, async (page, view) => {
      await page.route('**/claims/**', (route) =>
        route.fulfill({
          status: 200,
          contentType: 'application/json',
          body: JSON.stringify({ sequence: 1_234, claimedAt: new Date().toISOString(), status: 'PENDING' }),
        }),
      );
      await claimAs(page, `accepted-${nameOf(view)}`);
      await page.locator('.place').waitFor();
      expect(await page.locator('output.value').count()).toBe(0);
    });
  });

  it('with the coupon', async () => {
    const words = { ko: '쿠폰이 발급되었습니다', en: 'Your coupon is here' };
    await inAllViews('issued', await make(5_000), words, async (page, view) => {
      await claimAs(page, `issued-${nameOf(view)}`);
      await codeOn(page);
    });
  });

  it('with a claim that waits for an operator', async () => {
    const words = { ko: '담당자가 확인하고', en: 'an operator is looking' };
    await inAllViews('failed', await make(5_000), words, async (page, view) => {
      await page.route('**/claims/**', (route) =>
        route.fulfill({
          status: 200,
          contentType: 'application/json',
          body: JSON.stringify({ sequence: 7, claimedAt: new Date().toISOString(), status: 'FAILED' }),
        }),
      );
      await claimAs(page, `failed-${nameOf(view)}`);
    });
  });

  it('all reserved', async () => {
    const words = { ko: '지금은 모두 예약되었습니다', en: 'All are reserved right now' };
    await inAllViews('reserved', await make(5_000), words, async (page, view) => {
      await page.route(APPLY, (route) =>
        route.fulfill(refusal(409, 'sold-out', { final: false }, { 'retry-after': '5' })),
      );
      await claimAs(page, `reserved-${nameOf(view)}`);
    });
  });

  it('refused', async () => {
    const words = { ko: '쿠폰을 받지 못했습니다', en: 'No coupon this time' };
    await inAllViews('refused', await make(5_000), words, async (page, view) => {
      await page.route(APPLY, (route) => route.fulfill(refusal(409, 'campaign-closed')));
      await claimAs(page, `refused-${nameOf(view)}`);
    });
  });

  it('sold out', async () => {
    const id = await make(1);
    await client.claim('first', id);
    const words = { ko: '쿠폰이 모두 소진되었습니다', en: 'All coupons are gone' };
    await inAllViews('sold-out', id, words, async (page) => {
      await page.locator('.status.sold-out').waitFor();
    });
  });

  it('paused, closed and ended; a page that is open says so by itself', async () => {
    const id = await make(5_000);
    const watching = await pages.page();
    await watching.goto(`${service.url}/drop/${id}`);
    await watching.locator('.status.open').waitFor();
    await act(id, 'pause');
    await watching.locator('.status.paused').waitFor();
    await inAllViews('paused', id, { ko: '잠시 중단', en: 'The drop is paused' });
    await act(id, 'resume');
    await watching.locator('.status.open').waitFor();
    await act(id, 'close');
    await watching.getByText('마감되었습니다').first().waitFor();
    await inAllViews('closed', id, { ko: '마감되었습니다', en: 'This drop is closed' });
    await pages.expectClean(watching);
    const ends = await make(5_000, { endsAt: new Date(Date.now() + 3_000).toISOString() });
    await watching.goto(`${service.url}/drop/${ends}`);
    await watching.locator('.status.open').waitFor();
    await watching.getByText('신청 기간이 끝났습니다').first().waitFor();
    await pages.expectClean(watching);
  });

  it('before a start that an operator moves, and pauses', async () => {
    const startsAt = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
    const id = await make(5_000, { startsAt: startsAt(3) });
    const page = await pages.page();
    await page.goto(`${service.url}/drop/${id}`);
    await page.locator('.digits').first().filter({ hasText: /\d/ }).waitFor();
    expect(await page.locator('.cell').count()).toBe(3);
    const { status } = await client.admin('PATCH', `/api/admin/campaigns/${id}`, {
      body: { startsAt: startsAt(60) },
      ifMatch: '*',
    });
    expect(status).toBe(200);
    // Now it shows days too.
    await page.locator('.cell').nth(3).waitFor();
    await act(id, 'pause');
    await page.locator('.status.paused').waitFor();
    expect(await page.locator('.cell').count()).toBe(4);
    await pages.expectClean(page);
    await pages.shoot(page, 'state-paused-before-ko');
  });

  it('asks for a challenge that fails no sooner than Retry-After says', async () => {
    const entry = { requireEntry: true, challenge: 'proof-of-work', challengeCost: 1_000 };
    const id = await make(5, { startsAt: new Date(Date.now() + 3_600_000).toISOString(), ...entry });
    const page = await pages.page();
    let asked = 0;
    await page.route('**/challenge?*', (route) =>
      ++asked > 1 ? route.continue() : route.fulfill(refusal(503, 'busy', {}, { 'retry-after': '2' })),
    );
    await page.goto(`${service.url}/drop/${id}`);
    await page.getByRole('timer').waitFor();
    const before = performance.now();
    await page.locator('#name').fill('patient');
    await page.locator('#name').blur();
    await page.getByText('참여 확인을 마쳤습니다').waitFor();
    expect(performance.now() - before).toBeGreaterThan(2_000);
    expect(asked).toBe(2);
    await pages.expectClean(page);
  });

  it('not there', async () => {
    await inAllViews('missing', 'no-such-drop', { ko: '찾을 수 없습니다', en: 'There is no such' });
  });

  it('while the service is away, since when, and back again by itself', async () => {
    const id = await make(5_000);
    for (const view of VIEWS) {
      const page = await pages.page(view);
      await page.goto(`${service.url}/drop/${id}`);
      await page.locator('.status.open').waitFor();
      await page.context().setOffline(true);
      await page.evaluate("dispatchEvent(new Event('online'))");
      await page
        .getByRole('alert')
        .filter({ hasText: /\d:\d\d:\d\d/ })
        .waitFor();
      await pages.expectClean(page, CUT);
      await pages.shoot(page, `state-away-${nameOf(view)}`);
      await page.context().setOffline(false);
      await page.getByRole('alert').waitFor({ state: 'detached' });
      await page.context().close();
    }
  });

  it('of the first page: the only drop, or a list of those that are on', async () => {
    for (const view of VIEWS) {
      const page = await pages.page(view);
      await page.goto(service.url);
      await page.locator('.drop-link').first().waitFor();
      const toConsole = page.getByRole('link', { name: /콘솔|Console/ });
      // On servers, shoppers see no way to the operators' pages.
      if (TOPOLOGY === 'embedded') await toConsole.waitFor();
      else expect(await toConsole.count()).toBe(0);
      await pages.expectClean(page);
      await pages.shoot(page, `state-list-${nameOf(view)}`);
      await page.context().close();
    }
  });

  it('of an older version: says reload, and interrupts no claim for it', async () => {
    const id = await make(5_000);
    for (const view of VIEWS.slice(0, 2)) {
      const page = await pages.page(view);
      let version = 'older';
      await page.route('**/api/service', async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ response: answer, json: { ...((await answer.json()) as object), version } });
      });
      await page.goto(`${service.url}/drop/${id}`);
      await page.locator('.clock').filter({ hasText: /\d/ }).waitFor();
      const asked = new Promise<Route>((resolve) => void page.route(APPLY, resolve));
      await claimAs(page, `older-${nameOf(view)}`);
      const claim = await asked;
      version = 'newer';
      const compared = page.waitForResponse('**/api/service');
      await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
      await (await compared).finished();
      const reload = page.getByRole('button', { name: view.language === 'ko' ? '새로 고침' : 'Reload' });
      expect(await reload.count()).toBe(0);
      await claim.fulfill(refusal(409, 'campaign-closed'));
      await reload.waitFor();
      await pages.expectClean(page);
      await pages.shoot(page, `state-older-${nameOf(view)}`);
      await page.unroute('**/api/service');
      await reload.click();
      await page.locator('.clock').filter({ hasText: /\d/ }).waitFor();
      expect(await reload.count()).toBe(0);
      await page.context().close();
    }
  });

  it('is reached with the keyboard alone', async () => {
    const id = await make(5_000);
    const page = await pages.page({ width: 360 });
    await page.goto(`${service.url}/drop/${id}`);
    await page.locator('button.claim[aria-disabled=false]').waitFor();
    const focused = (): Promise<string> =>
      page.evaluate('document.activeElement.id || document.activeElement.innerText') as Promise<string>;
    for (const stop of ['선착순 쿠폰', 'English', 'name']) {
      await page.keyboard.press('Tab');
      expect(await focused()).toBe(stop);
    }
    await page.keyboard.type('keyboard');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('쿠폰 받기');
    await page.keyboard.press('Enter');
    const code = await codeOn(page);
    // What came of it has the focus, since the button is gone.
    expect(await page.evaluate('document.activeElement.className')).toBe('outcome');
    expect(await page.getByTestId('announcer').innerText()).toContain(code);
  });

  it('passes a proof of work before the start, and claims with the entry', async () => {
    const startsAt = new Date(Date.now() + 6_000).toISOString();
    const entry = { requireEntry: true, challenge: 'proof-of-work', challengeCost: 1_000 };
    const id = await make(5, { startsAt, ...entry });
    const page = await pages.page();
    const claims = claimsOf(page);
    await page.goto(`${service.url}/drop/${id}`);
    await page.getByRole('timer').waitFor();
    await page.locator('#name').fill('prover');
    await page.locator('#name').blur();
    await page.getByText('참여 확인을 마쳤습니다').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'state-entry-ko');
    await page.locator('button.claim[aria-disabled=false]').click();
    await codeOn(page);
    expect(claims).toMatchObject([{ entryToken: expect.stringMatching(/^v1\./) }]);
    // Somebody who comes late passes it behind the click.
    const late = await pages.page();
    await late.goto(`${service.url}/drop/${id}`);
    await claimAs(late, 'late');
    await codeOn(late);
    await pages.expectClean(late);
  });

  it('loads with at most 60 KB, and is ready at once', async () => {
    const id = await make(5);
    const page = await pages.page();
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    let bytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
    const before = performance.now();
    await page.goto(`${service.url}/drop/${id}`);
    await page.locator('button.claim[aria-disabled=false]').waitFor();
    process.stdout.write(
      `first load: ${bytes} bytes with the calls, interactive after ${Math.round(performance.now() - before)} ms\n`,
    );
    expect(bytes).toBeLessThan(60 * 1_024);
    const snippet = await fetch(`${service.url}/embed.js`);
    expect((await snippet.arrayBuffer()).byteLength).toBeLessThan(3 * 1_024);
  });
});
