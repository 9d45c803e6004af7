import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Page } from 'playwright-core';
import { KeyAdministration } from '../../src/modules/keys/key-administration.js';
import { Database } from '../../src/ports/database/database.js';
import { claimEvent } from '../support/claims.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { failToPublish } from '../support/failed-events.js';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { signIn } from './support/console.js';

describePages('the page of approvals', () => {
  let service: Service;
  let client: Client;
  let pages: Pages;
  const keys: Record<string, string> = {};

  beforeAll(async () => {
    // Without the role retry no failed event goes on by itself.
    service = await startService({ TWO_PERSON: 'true', ROLES: 'api,consumer' });
    client = new Client(service.url);
    pages = await Pages.open();
    // Over the API each of these would need a second admin.
    const administration = service.app.get(KeyAdministration, { strict: false });
    const by = { actor: { id: 'command', name: 'test' }, requestId: null, address: null };
    for (const [name, role] of [
      ['kim', 'admin'],
      ['lee', 'admin'],
      ['park', 'operator'],
      ['choi', 'viewer'],
    ] as const) {
      const outcome = await administration.create({ name, role, expiresAt: null }, by);
      if (outcome.kind !== 'created') throw new Error(outcome.kind);
      keys[name] = outcome.text;
    }
  });
  afterAll(async () => {
    await pages?.close();
    await service.stop();
  });

  const as = (who: string, method: string, path: string, body?: unknown) =>
    client.send(method, `/api/admin${path}`, {
      ...(body === undefined ? {} : { body }),
      headers: { authorization: `Bearer ${keys[who]}`, 'if-match': '*' },
    });
  const campaign = async (id: string) => (await as('kim', 'GET', `/campaigns/${id}`)).body;
  const waiting = async () => (await as('kim', 'GET', '/approvals?status=PENDING')).body.items;
  const open = async (who: string, path: string, language: 'ko' | 'en' = 'en', width = 1440): Promise<Page> => {
    const page = await pages.page({ language, width, theme: width < 500 ? 'dark' : 'light' });
    await signIn(page, service, path, keys[who]);
    return page;
  };
  const approvals = async (who: string, language: 'ko' | 'en' = 'en', width = 1440): Promise<Page> => {
    const page = await open(who, '/approvals', language, width);
    await page.locator('table[aria-busy=false]').waitFor();
    return page;
  };
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
  const inDialog = (page: Page, name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true });
  /** Ends everything that an earlier test has left. */
  const rejectAll = async (): Promise<void> => {
    for (const { id } of await waiting()) await as('kim', 'POST', `/approvals/${id}/reject`);
  };

  it('has a close that one operator asks for on its page, and another approves with its numbers', async () => {
    const id = await client.createCampaign(10);
    for (const user of ['a', 'b', 'c']) await client.claim(user, id);
    const { name } = await campaign(id);
    const asking = await open('kim', `/campaigns/${id}`);
    await button(asking, 'Close').click();
    await asking.getByRole('dialog').getByRole('textbox').fill(name);
    await inDialog(asking, 'Close').nth(1).click();
    await asking.getByRole('dialog').getByText('Waits for a second operator until').waitFor();
    await pages.expectClean(asking);
    await pages.shoot(asking, 'desk-approvals-asked-en');
    expect(await campaign(id)).toMatchObject({ state: 'OPEN' });

    await asking.getByRole('link', { name: 'See what waits for approval' }).click();
    const own = asking.getByRole('row', { name: new RegExp(id) });
    await own.getByText('Another operator has to approve it.').waitFor();
    expect(await own.getByRole('button', { name: /^Approve/ }).count()).toBe(0);
    await pages.expectClean(asking);

    const page = await approvals('park');
    const row = page.getByRole('row', { name: new RegExp(id) });
    await row.getByText('7 slots are closed: nobody gets them').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-approvals-en');
    await row.getByRole('button', { name: /^Approve/ }).click();
    await page.getByRole('dialog').getByText('3 admitted claims stay, and become coupons').waitFor();
    expect(await inDialog(page, 'Approve').isDisabled()).toBe(true);
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-approvals-approve-en');
    await page.getByRole('dialog').getByRole('textbox').fill(name);
    await inDialog(page, 'Approve').click();
    await page.getByText(`Approved and done: Close a campaign, ${name}`).waitFor();
    await row.waitFor({ state: 'detached' });
    await pages.expectClean(page);
    expect(await campaign(id)).toMatchObject({ state: 'CLOSED' });
    await page.getByRole('link', { name: 'Approved and done', exact: true }).click();
    await row.getByText('park').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-approvals-history-en');
  });

  it('says what has changed since, and does nothing then', async () => {
    const id = await client.createCampaign(10);
    const { name } = await campaign(id);
    const asking = await open('kim', `/campaigns/${id}`);
    await button(asking, 'Change').click();
    await asking.locator('input[name=total]').fill('7');
    await inDialog(asking, 'Save the change').click();
    await asking.getByRole('dialog').getByText('Waits for a second operator until').waitFor();
    expect(await campaign(id)).toMatchObject({ total: 10, version: 1 });
    const page = await approvals('park');
    await as('lee', 'PATCH', `/campaigns/${id}`, { total: 50 });
    const row = page.getByRole('row', { name: new RegExp(id) });
    await row.getByRole('button', { name: /^Approve/ }).click();
    await page.getByRole('dialog').getByRole('textbox').fill(name);
    await inDialog(page, 'Approve').click();
    const alert = page.getByRole('alert');
    await alert.getByText('It has changed since it was asked for').waitFor();
    await alert.getByRole('listitem').filter({ hasText: 'total 50' }).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'desk-approvals-outdated-en');
    expect(await campaign(id)).toMatchObject({ total: 50, version: 2 });
  });

  it('is rejected by another operator and taken back by who has asked', async () => {
    await rejectAll();
    for (const [who, verb] of [
      ['park', 'Reject'],
      ['kim', 'Take back'],
    ] as const) {
      const id = await client.createCampaign(10);
      const { name } = await campaign(id);
      await as('kim', 'POST', `/campaigns/${id}/close`);
      const page = await approvals(who);
      await page
        .getByRole('row', { name: new RegExp(id) })
        .getByRole('button', { name: new RegExp(`^${verb}`) })
        .click();
      await inDialog(page, verb).click();
      await page.getByText(`Close a campaign, ${name}`).waitFor();
      await page.getByText('Nothing waits for approval.').waitFor();
      expect(await campaign(id)).toMatchObject({ state: 'OPEN', version: 1 });
    }
  });

  it('never takes a discard for done before another operator has approved it', async () => {
    await rejectAll();
    const id = await client.createCampaign(9);
    const claims = ['a', 'b', 'c'].map((userId) => claimEvent({ campaignId: id, userId }));
    await failToPublish({ database: service.app.get(Database) }, ...claims);
    const rows = async () => (await as('kim', 'GET', `/failed-events?campaignId=${id}`)).body.items;
    const asking = await open('kim', `/failed-events?campaignId=${id}`);
    const picks = asking.getByRole('checkbox');
    await eventually(async () => expect(await picks.count()).toBe(3));
    await picks.first().check();
    await button(asking, 'Discard…').click();
    await asking.locator('dialog textarea').fill('fraud');
    await asking.getByRole('dialog').getByRole('button', { name: 'Discard 1' }).click();
    await asking.getByRole('dialog').getByText('Waiting for a second operator until').waitFor();
    expect(await asking.getByText('1 discarded.').count()).toBe(0);
    await pages.expectClean(asking);
    await pages.shoot(asking, 'desk-approvals-discard-en');
    expect((await rows()).map(({ status }: { status: string }) => status)).toEqual(Array(3).fill('PENDING'));

    const page = await approvals('park');
    await page.getByRole('button', { name: /^Approve: Discard a failed event/ }).click();
    await page.getByRole('dialog').getByText('fraud').waitFor();
    await inDialog(page, 'Approve').click();
    await page.getByText(/^Approved and done: Discard a failed event/).waitFor();
    expect((await rows()).map(({ status }: { status: string }) => status).sort()).toEqual([
      'DISCARDED',
      'PENDING',
      'PENDING',
    ]);
  });

  it('has keys of operators for another admin, whose text only the first one sees', async () => {
    await rejectAll();
    const asking = await open('kim', '/keys');
    await asking.getByRole('button', { name: 'New API key…' }).click();
    await asking.locator('dialog input[name=name]').fill('night shift');
    await asking.locator('dialog select[name=role]').selectOption('operator');
    await asking.getByRole('button', { name: 'Make the key' }).click();
    await asking.getByText('Waits for a second admin until').waitFor();
    const key = await asking.locator('input.secret').inputValue();
    await pages.expectClean(asking);
    await pages.shoot(asking, 'desk-approvals-key-en');
    expect(await asking.getByText('The key “night shift” is asked for').isVisible()).toBe(true);

    const operator = await approvals('park');
    await operator.getByText('An admin decides.').waitFor();
    expect(await operator.getByRole('button', { name: /^(Approve|Reject)/ }).count()).toBe(0);
    const page = await approvals('lee');
    await page.getByRole('button', { name: /^Approve: Make an API key/ }).click();
    await page.getByRole('dialog').getByText('night shift').waitFor();
    expect(await page.content()).not.toContain(key);
    await inDialog(page, 'Approve').click();
    await page.getByText(/^Approved and done: Make an API key/).waitFor();
    const made = (await as('kim', 'GET', '/keys')).body.items;
    expect(made).toContainEqual(expect.objectContaining({ name: 'night shift', revokedAt: null }));

    await asking.getByLabel('I have kept the key').check();
    await asking.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await asking.getByRole('button', { name: 'Revoke night shift…' }).click();
    await asking.locator('dialog input').fill('night shift');
    await asking.getByRole('dialog').getByRole('button', { name: 'Revoke', exact: true }).click();
    await asking.getByRole('dialog').getByText('Waits for a second admin until').waitFor();
    await pages.expectClean(asking);
    const [{ revokedAt }] = (await as('kim', 'GET', '/keys')).body.items;
    expect(revokedAt).toBeNull();
  });

  it.each([
    ['ko', 1440],
    ['ko', 360],
    ['en', 360],
  ] as const)('is readable: %s, %i px', async (language, width) => {
    await rejectAll();
    const id = await client.createCampaign(10);
    await as('kim', 'POST', `/campaigns/${id}/close`);
    const page = await approvals('park', language, width);
    await page.getByRole('row', { name: new RegExp(id) }).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, `desk-approvals-${language}-${width}`);
    await page.getByRole('button', { name: language === 'ko' ? /, 승인…$/ : /^Approve/ }).click();
    await page.getByRole('dialog').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, `desk-approvals-approve-${language}-${width}`);
  });

  it('is not for viewers, and not in the navigation where one operator is enough', async () => {
    const viewer = await approvals('choi');
    await viewer.getByText('Approvals are for operators and admins.').waitFor();
    await pages.expectClean(viewer);
    expect(await viewer.getByRole('navigation').getByRole('link', { name: 'Approvals' }).count()).toBe(0);
    const park = await approvals('park');
    expect(await park.getByRole('navigation').getByRole('link', { name: 'Approvals' }).count()).toBe(1);
  });
});
