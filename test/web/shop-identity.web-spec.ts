import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type CryptoKey, exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';
import { describePages, Pages } from './support/browser.js';
import { claimsOf, codeOn } from './support/drop-page.js';
import { openShop, type Shop } from './support/shop.js';

describePages('the page of a drop for users with tokens', () => {
  let service: Service;
  let client: Client;
  let pages: Pages;
  let shop: Shop;
  let stranger: Shop;
  let privateKey: CryptoKey;
  let directory: string;

  beforeAll(async () => {
    const pair = await generateKeyPair('ES256');
    privateKey = pair.privateKey;
    directory = mkdtempSync(join(tmpdir(), 'coupon-shop-'));
    const file = join(directory, 'issuer.pem');
    writeFileSync(file, await exportSPKI(pair.publicKey));
    [shop, stranger] = await Promise.all([openShop(), openShop()]);
    service = await startService({
      IDENTITY: 'jwt',
      JWT_ISSUER: 'https://issuer.example',
      JWT_AUDIENCE: 'coupons',
      JWT_PUBLIC_KEY_FILE: file,
      CORS_ORIGINS: shop.origin,
    });
    client = new Client(service.url);
    pages = await Pages.open();
  });
  afterAll(async () => {
    await pages?.close();
    await service?.stop();
    shop?.server.close();
    stranger?.server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const tokenOf = (user: string, expires = '1h'): Promise<string> =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'ES256' })
      .setSubject(user)
      .setIssuer('https://issuer.example')
      .setAudience('coupons')
      .setIssuedAt()
      .setExpirationTime(expires)
      .sign(privateKey);
  const snippet = (campaignId: string, tokens: readonly string[]): string =>
    `<script>
      const tokens = ${JSON.stringify(tokens)};
      window.couponToken = async () => (tokens.length > 1 ? tokens.shift() : tokens[0]);
    </script>
    ${embed(campaignId)}`;
  const embed = (campaignId: string): string =>
    `<script async src="${service.url}/embed.js" data-campaign="${campaignId}" data-token="couponToken"></script>`;
  const couponsOf = async (campaignId: string): Promise<{ userId: string; code: string }[]> =>
    (await client.admin('GET', `/api/admin/campaigns/${campaignId}/coupons`)).body.items;

  it('takes the token of a listed page that shows it in a frame, and a new one when that has ended', async () => {
    const campaignId = await client.createCampaign(5);
    shop.write(snippet(campaignId, [await tokenOf('ada', '-1h'), await tokenOf('ada')]));
    const page = await pages.page({ width: 800 });
    await page.goto(shop.origin);
    const frame = page.frameLocator('iframe');
    await frame.locator('button.claim[aria-disabled=false]').click();
    const code = await codeOn(frame as never);
    expect(await couponsOf(campaignId)).toMatchObject([{ userId: 'ada', code }]);
    // The frame is as high as what it shows.
    await eventually(async () => {
      const [outer, inner] = [
        await page.locator('iframe').evaluate((of: { clientHeight: number }) => of.clientHeight),
        await frame.locator('.shop').evaluate((of: { scrollHeight: number }) => of.scrollHeight),
      ];
      expect(outer).toBe(inner);
    });
    await pages.expectClean(page);
    await pages.shoot(page, 'embedded-ko');
  });

  it('is not shown in a frame of any other page', async () => {
    const campaignId = await client.createCampaign(5);
    stranger.write(snippet(campaignId, [await tokenOf('eve')]));
    const page = await pages.page();
    const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
    await page.goto(stranger.origin);
    await refused;
    expect(await page.frameLocator('iframe').locator('#page').count()).toBe(0);
    expect(await couponsOf(campaignId)).toEqual([]);
    // Its visitors get a link in place of a hole.
    await page.locator(`a[href="${service.url}/drop/${campaignId}"]`).waitFor();
    expect(await page.locator('iframe').count()).toBe(0);
  });

  it('forgets who was signed in when the shop has no user any more, or says something that is no token', async () => {
    const campaignId = await client.createCampaign(5);
    const page = await pages.page({ width: 800 });
    const frame = page.frameLocator('iframe');
    for (const nobody of ['null', "'<html>sign in</html>'", "Promise.reject(new Error('the shop is away'))"]) {
      shop.write(snippet(campaignId, [await tokenOf('ada')]));
      await page.goto(shop.origin);
      await frame.locator('button.claim[aria-disabled=false], output.value').first().waitFor();
      if ((await frame.locator('output.value').count()) === 0) await frame.locator('button.claim').click();
      await codeOn(frame as never);
      shop.write(`<script>window.couponToken = async () => ${nobody};</script>${embed(campaignId)}`);
      await page.goto(shop.origin);
      await frame.getByText('쇼핑몰에 로그인한 뒤').waitFor();
      expect(await frame.locator('output.value, button.claim').count()).toBe(0);
    }
    await pages.expectClean(page);
  });

  it('forgets the user at once when a page that stays signs out, and tells the page what the claim came to', async () => {
    const campaignId = await client.createCampaign(5);
    shop.write(
      '',
      `${snippet(campaignId, [await tokenOf('ada')])}<script>
      window.states = [];
      addEventListener('coupon:state', ({ detail }) => states.push(detail));
    </script>`,
    );
    const page = await pages.page({ width: 800 });
    await page.goto(shop.origin);
    const frame = page.frameLocator('iframe');
    await frame.locator('button.claim[aria-disabled=false]').click();
    const code = await codeOn(frame as never);
    await eventually(async () => {
      const states = (await page.evaluate('states')) as object[];
      expect(states.at(-1)).toEqual({ phase: 'open', claim: 'issued', reason: null });
      expect(JSON.stringify(states)).not.toContain(code);
    });
    await page.evaluate(
      `document.querySelector('iframe').contentWindow.postMessage({ type: 'coupon:token', token: null }, '*')`,
    );
    await frame.getByText('쇼핑몰에 로그인한 뒤').waitFor();
    expect(await frame.locator('output.value').count()).toBe(0);
    await pages.expectClean(page);
  });

  it('asks for a new token while a claim is followed, and without one says that it counts', async () => {
    const campaignId = await client.createCampaign(5);
    const token = await tokenOf('ada');
    await client.send('POST', '/api/coupons/apply', {
      body: { campaignId },
      headers: { authorization: `Bearer ${token}` },
    });
    const page = await pages.page();
    await page.goto(`${service.url}/drop/${campaignId}#token=${token}`);
    await codeOn(page);
    await page.evaluate(`location.hash = 'token=${await tokenOf('ada', '-1h')}'`);
    await page.reload();
    await page.getByText('쇼핑몰에 로그인하면 코드를 볼 수 있습니다').first().waitFor();
    await pages.expectClean(page);
    await pages.shoot(page, 'drop-signed-out-ko');
    await page.evaluate(`location.hash = 'token=${token}'`);
    await codeOn(page);
  });

  it('claims in the last of seven frames of one page: streams leave room for it', async () => {
    const campaigns = await Promise.all(Array.from({ length: 7 }, () => client.createCampaign(5)));
    const token = await tokenOf('ada');
    shop.write(
      `<script>window.couponToken = async () => '${token}';</script>${campaigns.map((id) => embed(id)).join('')}`,
    );
    const page = await pages.page({ width: 800, more: { viewport: { width: 800, height: 7_000 } } });
    await page.goto(shop.origin);
    const frames = campaigns.map((_, at) => page.frameLocator('iframe').nth(at));
    for (const frame of frames) await frame.locator('button.claim[aria-disabled=false]').waitFor();
    await frames.at(-1)?.locator('button.claim').click();
    await codeOn(frames.at(-1) as never);
  });

  it('takes no token from a page that has opened it in a window, listed or not', async () => {
    const campaignId = await client.createCampaign(5);
    for (const { origin, write } of [shop, stranger]) {
      write('<button>open</button>');
      const page = await pages.page();
      await page.goto(origin);
      const opening = page.context().waitForEvent('page');
      await page.evaluate(`globalThis.drop = window.open('${service.url}/drop/${campaignId}')`);
      const drop = pages.watch(await opening);
      await drop.getByText('쇼핑몰에 로그인한 뒤').waitFor();
      const received = drop.evaluate(
        "new Promise((resolve) => addEventListener('message', () => setTimeout(resolve)))",
      );
      await eventually(async () => {
        await page.evaluate(
          `drop.postMessage({ type: 'coupon:token', token: ${JSON.stringify(await tokenOf('eve'))} }, '*')`,
        );
      });
      // The policy of the page may have cut it off from its opener: then nothing comes at all.
      await Promise.race([received, drop.evaluate('window.opener === null || new Promise(() => 0)')]);
      expect(await drop.locator('button.claim').count()).toBe(0);
      await drop.getByText('쇼핑몰에 로그인한 뒤').waitFor();
      await pages.expectClean(drop);
      await pages.shoot(drop, 'drop-sign-in-ko');
    }
  });

  it('takes the token from behind the # of a link, out of the address at once, and keeps it over a reload', async () => {
    const campaignId = await client.createCampaign(5);
    const page = await pages.page({ language: 'en' });
    const token = await tokenOf('auth0|kim');
    const seen: string[] = [];
    page.on('request', (request) => seen.push(request.url()));
    await page.goto(`${service.url}/drop/${campaignId}#token=${token}`);
    await page.getByText('You claim as a member of the shop').waitFor();
    expect(page.url()).toBe(`${service.url}/drop/${campaignId}`);
    await page.reload();
    const claims = claimsOf(page);
    await page.locator('button.claim[aria-disabled=false]').click();
    const code = await codeOn(page);
    expect(claims).toMatchObject([{ authorization: `Bearer ${token}` }]);
    expect(await couponsOf(campaignId)).toMatchObject([{ userId: 'auth0|kim', code }]);
    expect(seen.filter((url) => url.includes(token.slice(-20)))).toEqual([]);
    await pages.expectClean(page);
  });

  it('takes the token of a second link in a tab that shows the drop already, out of the address too', async () => {
    const campaignId = await client.createCampaign(5);
    const page = await pages.page();
    await page.goto(`${service.url}/drop/${campaignId}#token=${await tokenOf('ada')}`);
    await page.locator('button.claim[aria-disabled=false]').waitFor();
    await page.goto(`${service.url}/drop/${campaignId}#token=${await tokenOf('bob')}`);
    await eventually(() => expect(page.url()).toBe(`${service.url}/drop/${campaignId}`));
    await page.locator('button.claim[aria-disabled=false]').click();
    const code = await codeOn(page);
    expect(await couponsOf(campaignId)).toMatchObject([{ userId: 'bob', code }]);
    await pages.expectClean(page);
  });

  it('shows a claim that the user has made elsewhere', async () => {
    const campaignId = await client.createCampaign(5);
    const token = await tokenOf('mobile');
    await client.send('POST', '/api/coupons/apply', {
      body: { campaignId },
      headers: { authorization: `Bearer ${token}` },
    });
    const page = await pages.page();
    await page.goto(`${service.url}/drop/${campaignId}#token=${token}`);
    const code = await codeOn(page);
    expect(await couponsOf(campaignId)).toMatchObject([{ userId: 'mobile', code }]);
  });

  it('does not go on with what another user of the browser has begun', async () => {
    const campaignId = await client.createCampaign(5);
    const page = await pages.page();
    await page.goto(`${service.url}/drop/${campaignId}#token=${await tokenOf('first')}`);
    await page.locator('button.claim[aria-disabled=false]').click();
    await codeOn(page);
    const other = pages.watch(await page.context().newPage());
    const claims = claimsOf(other);
    await other.goto(`${service.url}/drop/${campaignId}#token=${await tokenOf('second')}`);
    await other.locator('button.claim[aria-disabled=false]').waitFor();
    expect([claims, await other.locator('output.value').count()]).toEqual([[], 0]);
  });

  it('says that an ended sign-in has ended', async () => {
    const campaignId = await client.createCampaign(5);
    const page = await pages.page();
    await page.goto(`${service.url}/drop/${campaignId}#token=${await tokenOf('late', '-1h')}`);
    await page.locator('button.claim[aria-disabled=false]').click();
    await page.getByText('로그인이 만료되었습니다').first().waitFor();
    await pages.expectClean(page);
  });

  it('with IDENTITY=key says that the shop claims for its users, and has no button', async () => {
    const byShop = await startService({ IDENTITY: 'key' });
    try {
      const page = await pages.page();
      await page.goto(`${byShop.url}/drop/default`);
      await page.getByText('쇼핑몰이 회원을 대신해').waitFor();
      expect(await page.locator('button.claim').count()).toBe(0);
      await pages.expectClean(page);
      await pages.shoot(page, 'drop-by-shop-ko');
    } finally {
      await byShop.stop();
    }
  });
});
