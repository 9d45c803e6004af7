import { type Page } from 'playwright-core';
import { type Client } from '../../support/client.js';
import { ADMIN_TOKEN, type Service } from '../../support/service.js';

/** Opens a page of the console as an operator who has this key. @param path below `/console`. */
export async function signIn(
  page: Page,
  { adminUrl }: Pick<Service, 'adminUrl'>,
  path = '',
  key = ADMIN_TOKEN,
): Promise<void> {
  await page.goto(`${adminUrl}/console${path}`);
  await page.locator('input[name=key]').fill(key);
  await page.keyboard.press('Enter');
  await page.getByRole('navigation').waitFor();
}

/** @returns the text of a new API key. */
export async function makeKey(client: Client, role: string, name = `a ${role}`): Promise<string> {
  const { status, body } = await client.admin('POST', '/api/admin/keys', { body: { name, role } });
  if (status !== 201) throw new Error(`no key: ${JSON.stringify(body)}`);
  return body.key as string;
}

/** The number of the page that has this name, with its unit. */
export async function figure(page: Page, name: string): Promise<string> {
  const value = page.getByRole('group', { name, exact: true }).locator('.figure-value');
  return ((await value.textContent()) ?? '').trim();
}
