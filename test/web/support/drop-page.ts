import { type Page, type Request } from 'playwright-core';

/** A request for a coupon, as the page has sent it. */
export interface SentClaim {
  readonly key: string | undefined;
  readonly authorization: string | undefined;
  readonly entryToken: string | undefined;
}

/** The requests for a coupon that the page sends from now on. */
export function claimsOf(page: Page): SentClaim[] {
  const claims: SentClaim[] = [];
  page.on('request', (request: Request) => {
    if (!request.url().endsWith('/api/coupons/apply')) return;
    const headers = request.headers();
    claims.push({
      key: headers['idempotency-key'],
      authorization: headers['authorization'],
      entryToken: headers['x-entry-token'],
    });
  });
  return claims;
}

/** Says who claims, where the service asks for it, and presses the button. */
export async function claimAs(page: Page, name: string): Promise<void> {
  await page.locator('#name').fill(name);
  await page.locator('button.claim[aria-disabled=false]').click();
}

/** The code that the page shows, once it does. */
export const codeOn = (page: Pick<Page, 'locator'>): Promise<string> => page.locator('output.value').innerText();

export const APPLY = '**/api/coupons/apply';

/** What a browser says of a request whose connection was cut. */
export const CUT = /net::ERR_|Failed to fetch/;

/** A refusal, as the service sends it. */
export function refusal(status: number, code: string, more: object = {}, headers: Record<string, string> = {}) {
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: JSON.stringify({ type: `urn:coupon:problem:${code}`, title: code, status, code, ...more }),
  };
}
