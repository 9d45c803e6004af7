import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TOPOLOGY } from '../support/backend.js';
import { Client } from '../support/client.js';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { makeKey, signIn } from './support/console.js';

/** A distributed installation in which much has gone wrong, as the API would tell of it. */
const TROUBLED = {
  gate: { state: 'fenced', trouble: 'the fence is of epoch 41', downSince: '2026-12-01T03:00:00.000Z', building: true },
  redis: {
    up: false,
    awaySince: '2026-12-01T03:00:00.000Z',
    trouble: 'connect ECONNREFUSED 10.0.0.7:6379',
    answerMs: null,
    version: null,
    role: null,
    uptimeMs: null,
    usedBytes: null,
    maxBytes: null,
    evictionPolicy: null,
    appendOnly: null,
    clients: null,
  },
  claimLog: {
    up: true,
    awaySince: null,
    trouble: null,
    answerMs: 3.2,
    kind: 'kafka',
    lag: 12_345,
    standsSince: null,
    partitions: Array.from({ length: 12 }, (_, partition) => ({
      partition,
      start: 0,
      end: 100_000 + partition,
      committed: partition === 11 ? null : 99_000,
      lag: 1_000 + partition,
    })),
    topic: {
      name: 'coupon_create',
      groupId: 'coupon-consumer',
      replicas: 3,
      settings: { 'min.insync.replicas': '2', 'cleanup.policy': 'delete' },
      unusable: null,
    },
  },
};

describePages('the page of the system', () => {
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

  const report = async () => (await client.admin('GET', '/api/admin/system')).body;

  it.each([
    ['ko', 1440],
    ['en', 1440],
    ['ko', 360],
  ] as const)('shows what the API says of gate, log, database and processes: %s, %i px', async (language, width) => {
    const page = await pages.page({ language, width, theme: width < 500 ? 'dark' : 'light' });
    await signIn(page, service, '/system', await makeKey(client, 'viewer'));
    await page.getByText(language === 'ko' ? '모두 응답합니다' : 'All parts answer').waitFor();
    const { gate, database, processes, service: self } = await report();
    const content = await page.locator('main').textContent();
    for (const shown of [`${gate.epoch}`, database.version, processes.items[0].instance, self.version, self.node]) {
      expect(content).toContain(shown);
    }
    await pages.expectClean(page);
    await pages.shoot(page, `desk-system-${language}-${width}`);
  });

  it.each([
    ['ko', 1440],
    ['en', 360],
  ] as const)('says what is away, since when and why: %s, %i px', async (language, width) => {
    const troubled = await report();
    troubled.gate = { ...troubled.gate, ...TROUBLED.gate };
    troubled.service.profile = 'distributed';
    Object.assign(troubled, { redis: TROUBLED.redis, claimLog: TROUBLED.claimLog, disk: null });
    const page = await pages.page({ language, width });
    await page.route('**/api/admin/system', (route) => route.fulfill({ json: troubled }));
    await signIn(page, service, '/system');
    await page.getByText('connect ECONNREFUSED 10.0.0.7:6379').waitFor();
    await page.getByText('12,345').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, `desk-system-troubled-${language}-${width}`);
  });

  it.each([
    ['ko', 360, 'dark'],
    ['en', 1440, 'light'],
  ] as const)(
    'is not green while every server answers and no coupon is made: %s, %i px, %s',
    async (language, width, theme) => {
      const troubled = await report();
      const [process] = troubled.processes.items;
      const stands = {
        instance: 'host:2',
        roles: ['consumer'],
        roleStates: { consumer: 'waiting' },
        foreignPartitions: 12,
      };
      troubled.service.profile = 'distributed';
      troubled.processes.items = [
        { ...process, roles: ['api'] },
        { ...process, answers: false, ...stands },
      ];
      troubled.failedEvents = { dead: 40 };
      const page = await pages.page({ language, width, theme });
      await page.route('**/api/admin/system', (route) => route.fulfill({ json: troubled }));
      await signIn(page, service, '/system');
      const link = page.getByRole('link', { name: language === 'ko' ? '실패 이벤트 보기' : 'Show the failed events' });
      await link.waitFor();
      expect(await link.getAttribute('href')).toContain('/failed-events?status=DEAD');
      const said = await page.locator('.notice.bad').textContent();
      for (const words of language === 'ko'
        ? ['retry 역할', '12개', '40건']
        : ['role retry', 'installation: 12', 'you: 40']) {
        expect(said).toContain(words);
      }
      expect(await page.locator('.notice.good').count()).toBe(0);
      await pages.expectClean(page);
      await pages.shoot(page, `desk-system-stands-${language}-${width}`);
    },
  );

  it.each([
    ['ko', 1440],
    ['en', 360],
  ] as const)('says once that the disk is full, and is green nowhere about it: %s, %i px', async (language, width) => {
    // The service of the other profile has no disk of its own that could be full.
    if (TOPOLOGY !== 'embedded') return;
    const troubled = await report();
    const full = { up: false, awaySince: '2026-12-01T03:00:00.000Z', trouble: 'database or disk is full', answerMs: 1 };
    Object.assign(troubled.claimLog, full);
    Object.assign(troubled.database, full);
    troubled.disk = { freeBytes: 0, totalBytes: 12_582_912, usedBytes: 12_000_000 };
    const page = await pages.page({ language, width });
    await page.route('**/api/admin/system', (route) => route.fulfill({ json: troubled }));
    await signIn(page, service, '/system');
    await page.getByText(language === 'ko' ? '디스크가 가득 차서' : 'The disk is full: no claim is taken').waitFor();
    expect(await page.locator('.troubles > div').count()).toBe(1);
    expect(await page.locator('.badge.good').count()).toBe(0);
    expect(await page.locator('.badge.bad').count()).toBe(4);
    await pages.expectClean(page);
    await pages.shoot(page, `desk-system-full-${language}-${width}`);
  });

  it('says since when there is no answer, and greys out what was before', async () => {
    const page = await pages.page({ language: 'en' });
    await signIn(page, service, '/system');
    await page.getByText('All parts answer').waitFor();
    await page.context().setOffline(true);
    await page.getByText('What stands below is of before.').waitFor();
    expect(await page.locator('.system.stale').count()).toBe(1);
    expect(await page.getByText('All parts answer').count()).toBe(0);
    await pages.expectClean(page, /ERR_INTERNET_DISCONNECTED/);
    await pages.shoot(page, 'desk-system-lost-en');
    await page.context().setOffline(false);
    await page.getByText('All parts answer').waitFor();
  });
});
