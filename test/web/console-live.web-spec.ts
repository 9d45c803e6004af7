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
    await page.getByText('숫자: 최신').waitFor();
    expect(await figure(page, '남은 수량')).toBe('1,000 개');
    // A notice above the numbers moves both.
    const topOf = (part: string) => page.locator(part).evaluate((one) => (one as unknown as Placed).offsetTop);
    const distance = async () => (await topOf('.figures')) - (await topOf('.sold.large'));
    const before = await distance();
    await claimAll(id);
    await page.getByText('모두 발급되었습니다').waitFor();
    // Nothing moves in the moment that everybody looks at.
    expect(await distance()).toBe(before);
    await page.getByRole('group', { name: '발급된 쿠폰' }).getByText('1,000').waitFor();
    await page.getByRole('group', { name: '발급 대기' }).getByText(/^0/).waitFor();
    const { body: audit } = await client.get(`/api/admin/campaigns/${id}/audit`, ADMIN);
    expect({ ...audit, total: 1_000 }).toMatchObject({ gate: 1_000, issued: 1_000, rows: 1_000, pending: 0 });
    expect(await figure(page, '남은 수량')).toBe('0 개');
    await pages.expectClean(page);
    await shootAll(page, 'console-live');
  });

  it('has a table with the numbers that the charts draw, and that the service has sent', async () => {
    const id = await create('표', 5);
    const page = await pages.page({ language: 'en' });
    await signIn(page, service, `/campaigns/${id}`);
    await page.getByText('Numbers: up to date').waitFor();
    for (let user = 0; user < 8; user++) await client.claim(`u${user}`, id);
    await page.getByText('Every coupon is issued since').waitFor();
    const sent = await samplesOf(id, ({ remaining, rates }) => remaining === 0 && rates?.refused === 0);
    await page.getByText('The charts as a table').click();
    await page.getByRole('button', { name: 'Read again' }).click();
    const rows = await page.locator('.chart-rows tbody tr').evaluateAll((all) =>
      all.map((row) => {
        const of = row as unknown as Row;
        return [of.querySelector('time').dateTime, ...of.querySelectorAll('td')].map((one) =>
          typeof one === 'string' ? one : one.textContent,
        );
      }),
    );
    const shown = new Map(rows.map(([at, ...numbers]) => [Date.parse(at ?? ''), numbers]));
    const both = sent.filter(({ at }) => shown.has(at));
    expect(both.length).toBeGreaterThan(1);
    for (const { at, rates, remaining, pending, claimMs, acceptToRowMs } of both) {
      const numbers = [rates?.claims, rates?.refused, rates?.issued, remaining, pending];
      const times = [claimMs.p99, acceptToRowMs.p99, claimMs.p50, acceptToRowMs.p50];
      const written = [...numbers, ...times].map((value) => (typeof value === 'number' ? String(value) : '–'));
      expect(shown.get(at)?.map((text) => text.replaceAll(',', ''))).toEqual(written);
    }
    await pages.expectClean(page);
    await pages.shoot(page, 'console-live-table-en');
  });

  /** What the service sends to those who watch, until a sample satisfies. */
  async function samplesOf(id: string, isLast: (sample: Sample) => boolean): Promise<Sample[]> {
    const end = new AbortController();
    const url = `${service.adminUrl}/api/admin/live?campaignId=${id}`;
    const { body } = await fetch(url, { headers: ADMIN, signal: end.signal });
    const samples: Sample[] = [];
    let rest = '';
    for await (const piece of body as unknown as AsyncIterable<Uint8Array>) {
      const events = (rest + Buffer.from(piece).toString()).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        const [, data] = /^data: (.*)$/m.exec(event) ?? [];
        if (data !== undefined) samples.push(JSON.parse(data));
      }
      if (samples.some(isLast)) break;
    }
    end.abort();
    return samples;
  }

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

/** An element of the browser. */
interface Placed {
  readonly offsetTop: number;
}

interface Quantiles {
  readonly p50: number | null;
  readonly p99: number | null;
}

/** The parts of a sample that the charts show. */
interface Sample {
  readonly at: number;
  readonly rates: { readonly claims: number; readonly refused: number; readonly issued: number } | null;
  readonly remaining: number | null;
  readonly pending: number | null;
  readonly claimMs: Quantiles;
  readonly acceptToRowMs: Quantiles;
}

/** What the test reads of a row, which is an element of the browser. */
interface Row {
  querySelector(name: 'time'): { readonly dateTime: string };
  querySelectorAll(name: 'td'): Iterable<{ readonly textContent: string }>;
}
