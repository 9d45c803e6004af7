import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { type Page } from 'playwright-core';
import { UnwatchedGate } from '../../src/ports/gate/unwatched-gate.js';
import { GateUnavailableError } from '../../src/ports/gate/issuance-gate.js';
import { Client } from '../support/client.js';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { makeKey, signIn } from './support/console.js';

const OPERATOR = { language: 'en' } as const;

describePages('what an operator does to a campaign', () => {
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
  afterEach(() => void jest.restoreAllMocks());

  async function open(id: string, key?: string): Promise<Page> {
    const page = await pages.page(OPERATOR);
    await signIn(page, service, `/campaigns/${id}`, key);
    await page.getByText('Numbers: up to date').waitFor();
    return page;
  }
  /** The history of the campaign has the words of its states too. */
  const state = (page: Page, word: string) => page.locator('.campaign-facts').getByText(word, { exact: true });
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
  const inDialog = (page: Page, name: string) => page.getByRole('dialog').getByRole('button', { name, exact: true });
  const stateOf = async (id: string) => (await client.get(`/api/campaigns/${id}`)).body.state;

  it('pauses and resumes it with the keyboard alone', async () => {
    const id = await client.createCampaign(10);
    const page = await open(id);
    await button(page, 'Pause').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await pages.expectClean(page);
    await page.keyboard.press('Escape');
    expect(
      await page.evaluate(() => (globalThis as unknown as { document: Doc }).document.activeElement?.textContent),
    ).toBe('Pause');
    await page.keyboard.press('Enter');
    await tabTo(page, 'Pause');
    await page.keyboard.press('Enter');
    await state(page, 'Paused').waitFor();
    expect(await stateOf(id)).toBe('PAUSED');
    await button(page, 'Resume').focus();
    await page.keyboard.press('Enter');
    const left = page.getByRole('dialog').getByRole('listitem').filter({ hasText: 'can be claimed again' });
    await left.getByText('10', { exact: true }).waitFor();
    await tabTo(page, 'Resume');
    await page.keyboard.press('Enter');
    await state(page, 'Open').waitFor();
    expect(await stateOf(id)).toBe('OPEN');
  });

  it('has the focus in its place as soon as a question appears and is gone', async () => {
    const page = await open(await client.createCampaign(10));
    await page.evaluate(RECORD_FOCUS);
    await button(page, 'Pause').focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const seen = await page.evaluate(() => (globalThis as unknown as { FOCUS: string[] }).FOCUS);
    expect(seen).toEqual(['appeared, focus in DIALOG', 'gone, focus on Pause']);
  });

  it('closes it after its consequence in numbers, and its name', async () => {
    const id = await client.createCampaign(10);
    for (const user of ['a', 'b', 'c']) await client.claim(user, id);
    const { name } = (await client.get(`/api/campaigns/${id}`)).body;
    const page = await open(id);
    await button(page, 'Close').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('listitem').filter({ hasText: '3 claims stay' }).waitFor();
    await dialog.getByRole('listitem').filter({ hasText: '7 coupons are left: nobody gets them' }).waitFor();
    expect(await inDialog(page, 'Close').nth(1).isDisabled()).toBe(true);
    await pages.expectClean(page);
    await pages.shoot(page, 'console-close-en');
    await dialog.getByText('Type the name first.').waitFor();
    await dialog.getByRole('textbox').fill('something else');
    await dialog.getByText('That is another name.').waitFor();
    await pages.shoot(page, 'console-close-other-name-en');
    await pages.expectClean(page);
    await dialog.getByRole('textbox').fill(name);
    await inDialog(page, 'Close').nth(1).click();
    await state(page, 'Closed').waitFor();
    expect(await stateOf(id)).toBe('CLOSED');
    await page.getByText('Closed for good: it cannot be opened again.').waitFor();
    await page.getByRole('group', { name: 'Not given out', exact: true }).getByText('7').waitFor();
    await page.getByRole('cell', { name: 'Closed a campaign' }).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'console-closed-en');
    expect(await button(page, 'Pause').count()).toBe(0);
  });

  it('changes the total, and says by which numbers', async () => {
    const id = await client.createCampaign(10);
    for (const user of ['a', 'b', 'c']) await client.claim(user, id);
    const page = await open(id);
    await page.reload();
    await button(page, 'Change').click();
    await page.locator('input[name=total]').fill('2');
    // The refusal is known before it is asked for, and is said once.
    await page.getByText('3 are claimed already, so the total cannot go below that.').waitFor();
    expect(await inDialog(page, 'Save the change').isDisabled()).toBe(true);
    await pages.shoot(page, 'console-total-too-low-en');
    await page.locator('input[name=total]').fill('none');
    await inDialog(page, 'Save the change').click();
    const total = page.locator('input[name=total]');
    await page.locator('input[name=total][aria-invalid=true]').waitFor();
    expect(await total.getAttribute('aria-describedby')).toContain('mistake');
    await pages.expectClean(page);
    await pages.shoot(page, 'console-total-invalid-en');
    await total.fill('20');
    await page.getByText('3 claims stay; what is left goes from 7 to 17.').waitFor();
    await inDialog(page, 'Save the change').click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await client.get(`/api/campaigns/${id}`)).body.total).toBe(20);
  });

  it('says what customers notice of an end that has passed, and of a new check', async () => {
    const id = await client.createCampaign(10);
    await client.claim('a', id);
    for (const [language, change, ends, check] of [
      ['en', 'Change', '9 coupons go to nobody', 'have not passed the new check'],
      ['ko', '변경', '9개는 아무도 받지 못합니다', '새 확인을 아직 통과하지 않은'],
    ] as const) {
      const page = await pages.page({ language, width: 360 });
      await signIn(page, service, `/campaigns/${id}`);
      await page
        .getByRole('group', { name: language === 'en' ? 'Stock left' : '남은 수량' })
        .getByText('9')
        .waitFor();
      await button(page, change).click();
      await page.locator('input[name=endsAt]').fill('2020-01-01T09:00');
      await page.locator('input[name=requireEntry]').check();
      const said = page.getByRole('dialog').getByRole('status');
      await said.getByText(ends).waitFor();
      await said.getByText(check).waitFor();
      await pages.expectClean(page);
      await pages.shoot(page, `console-change-consequences-${language}-360`);
    }
    expect(await stateOf(id)).toBe('OPEN');
  });

  it('keeps the seconds of a start that is not changed, and asks for none elsewhere', async () => {
    const { body } = await client.admin('POST', '/api/admin/campaigns', {
      body: { name: 'Odd', total: 5, startsAt: '2098-01-01T00:00:07Z', endsAt: '2099-01-01T00:00:00Z' },
    });
    const page = await open(body.id);
    await button(page, 'Change').click();
    expect(await page.locator('input[name=startsAt]').inputValue()).toBe('2098-01-01T09:00:07');
    await page.locator('input[name=endsAt]').fill('2099-01-02T09:00');
    await inDialog(page, 'Save the change').click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await client.get(`/api/campaigns/${body.id}`)).body).toMatchObject({
      startsAt: '2098-01-01T00:00:07.000Z',
      endsAt: '2099-01-02T00:00:00.000Z',
    });
    await button(page, 'Change').click();
    // Half an instant: the year is there, and the rest is not.
    const endsAt = page.locator('input[name=endsAt]');
    await endsAt.fill('');
    await endsAt.press('1');
    await page.getByText('Not complete yet').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'console-half-instant-en');
  });

  it('shows both versions when somebody changed it meanwhile, and overwrites nothing unseen', async () => {
    const id = await client.createCampaign(10);
    const page = await open(id);
    await button(page, 'Change').click();
    await page.locator('input[name=name]').fill('Mine');
    const changed = await client.admin('PATCH', `/api/admin/campaigns/${id}`, {
      headers: { 'if-match': '"1"' },
      body: { total: 50 },
    });
    expect(changed.status).toBe(200);
    await inDialog(page, 'Save the change').click();
    await page.getByText('Somebody changed it meanwhile').waitFor();
    await page.getByRole('row', { name: /^Total 10 .*50 10$/ }).waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'console-conflict-en');
    await button(page, 'Apply my changes to the new version').click();
    await inDialog(page, 'Save the change').click();
    await page.getByRole('heading', { level: 1, name: 'Mine' }).waitFor();
    expect((await client.get(`/api/campaigns/${id}`)).body).toMatchObject({ name: 'Mine', total: 50, version: 3 });
  });

  it('explains a gate that has not heard of the change, and asks again', async () => {
    const id = await client.createCampaign(10);
    const page = await open(id);
    const gate = service.app.get(UnwatchedGate);
    jest.spyOn(gate, 'changeTerms').mockRejectedValue(new GateUnavailableError('away'));
    await button(page, 'Pause').click();
    await inDialog(page, 'Pause').click();
    await page.getByText('The change is stored, and reaches the gate by itself').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'console-gate-not-told-en');
    jest.restoreAllMocks();
    await inDialog(page, 'Pause').click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await stateOf(id)).toBe('PAUSED');
  });

  it('hears of a close that came first', async () => {
    const id = await client.createCampaign(10);
    const page = await open(id);
    await button(page, 'Change').click();
    await client.admin('POST', `/api/admin/campaigns/${id}/close`);
    await page.locator('input[name=name]').fill('Too late');
    await inDialog(page, 'Save the change').click();
    await page.getByText('Somebody changed it meanwhile').waitFor();
    await button(page, 'Apply my changes to the new version').click();
    await inDialog(page, 'Save the change').click();
    await page.getByRole('alert').getByText('campaign-closed').waitFor();
  });

  it('is shown no button that the role does not allow', async () => {
    const id = await client.createCampaign(10);
    const page = await open(id, await makeKey(client, 'viewer'));
    for (const name of ['Pause', 'Change', 'Close']) expect(await button(page, name).count()).toBe(0);
    await page.getByText('The history is for the role operator and above.').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'console-viewer-en');
  });

  it('publishes a draft, or deletes it after its name', async () => {
    const make = async (name: string): Promise<string> =>
      (await client.admin('POST', '/api/admin/campaigns', { body: { name, total: 5, state: 'DRAFT' } })).body.id;
    const page = await pages.page(OPERATOR);
    await signIn(page, service, `/campaigns/${await make('Tomorrow')}`);
    await page.getByText('A draft: until it is published').waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'console-draft-en');
    await button(page, 'Publish').click();
    await inDialog(page, 'Publish').click();
    await page.getByText('Numbers: up to date').waitFor();
    await page.goto(`${service.adminUrl}/console/campaigns/${await make('Never')}`);
    await button(page, 'Delete the draft').click();
    await page.getByRole('dialog').getByRole('textbox').fill('Never');
    await inDialog(page, 'Delete the draft').click();
    await page.getByRole('heading', { level: 1, name: 'Campaigns' }).waitFor();
    expect(await page.getByRole('link', { name: 'Never', exact: true }).count()).toBe(0);
  });

  /** Goes on by Tab until the focus is on this button of the dialog. */
  async function tabTo(page: Page, name: string): Promise<void> {
    await page.getByRole('dialog').waitFor();
    for (let steps = 0; steps < 20; steps++) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate(() => {
        const { activeElement } = (globalThis as unknown as { document: Doc }).document;
        return activeElement?.closest('dialog') === null ? '' : (activeElement?.textContent ?? '');
      });
      if (focused === name) return;
    }
    throw new Error(`the focus never came to ${name}`);
  }
});

/** Notes where the focus is in the turn in which a dialog comes or goes: later would be too late for the next key. */
const RECORD_FOCUS = `
  globalThis.FOCUS = [];
  new MutationObserver((records) => {
    for (const { addedNodes, removedNodes } of records) {
      const { activeElement } = document;
      if ([...addedNodes].some((node) => node.nodeName === 'DIALOG'))
        FOCUS.push('appeared, focus in ' + (activeElement.closest('dialog, body').nodeName));
      if ([...removedNodes].some((node) => node.nodeName === 'DIALOG'))
        FOCUS.push('gone, focus on ' + (activeElement === document.body ? 'nothing' : activeElement.textContent));
    }
  }).observe(document.body, { childList: true, subtree: true });
`;

interface Doc {
  readonly activeElement: { readonly textContent: string; closest(selector: string): unknown } | null;
}
