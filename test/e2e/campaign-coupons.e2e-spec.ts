import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CampaignCoupons } from '../../src/modules/coupons/campaign-coupons.js';
import { attachment } from '../../src/platform/http/output/attachment.js';
import { type Answer, Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

const USERS = ['first', 'second', 'third', 'fourth', 'fifth'];

describe('the coupons of a campaign', () => {
  let service: Service;
  let client: Client;
  let campaign: string;
  let list: string;
  let viewer: string;
  beforeAll(async () => {
    service = await startService();
    client = new Client(service.url);
    campaign = await client.createCampaign(10, { name: '정오, "쿠폰"' });
    list = `/api/admin/campaigns/${campaign}/coupons`;
    for (const user of USERS) expect((await client.claim(user, campaign)).status).toBe(202);
    await eventually(async () => expect((await client.admin('GET', list)).body.items).toHaveLength(USERS.length));
    const made = await client.admin('POST', '/api/admin/keys', { body: { name: 'support', role: 'viewer' } });
    viewer = made.body.key;
  });
  afterAll(() => service.stop());

  const asViewer = (path: string): Promise<Answer> =>
    client.admin('GET', path, { headers: { authorization: `Bearer ${viewer}` } });
  const usersOf = ({ body }: Answer): string[] => body.items.map(({ userId }: { userId: string }) => userId);

  it('are listed with the newest claim first, page by page', async () => {
    const found: string[] = [];
    let query = '?limit=2';
    for (let pages = 0; query !== ''; pages++) {
      expect(pages).toBeLessThan(3);
      const page = await client.admin('GET', `${list}${query}`);
      expect(page.status).toBe(200);
      found.push(...usersOf(page));
      query = page.body.nextCursor === null ? '' : `?limit=2&cursor=${page.body.nextCursor}`;
    }
    expect(found).toEqual([...USERS].reverse());
  });

  it('are found by user and by instant', async () => {
    expect(usersOf(await client.admin('GET', `${list}?userId=third`))).toEqual(['third']);
    expect(usersOf(await client.admin('GET', `${list}?userId=nobody`))).toEqual([]);
    const [{ claimedAt }] = (await client.admin('GET', `${list}?userId=third`)).body.items;
    const since = usersOf(await client.admin('GET', `${list}?from=${claimedAt}`));
    const before = usersOf(await client.admin('GET', `${list}?to=${claimedAt}`));
    expect(since).toContain('third');
    expect(before).not.toContain('third');
    expect([...since, ...before]).toEqual([...USERS].reverse());
  });

  it('show codes to operators, and not to viewers', async () => {
    const [operators] = (await client.admin('GET', `${list}?userId=first`)).body.items;
    const [viewers] = (await asViewer(`${list}?userId=first`)).body.items;
    const { code, claimId, ...others } = operators;
    expect(code).toMatch(/^[A-Z0-9-]{8,}$/);
    // The service runs with IDENTITY=open, where the id of a claim opens its code.
    expect(viewers).toEqual(others);
    expect((await asViewer(`${list}.csv`)).body).not.toContain(code);
    expect((await asViewer(`${list}.ndjson`)).body).not.toContain(code);
    for (const path of [
      list,
      `${list}.csv`,
      `${list}.ndjson`,
      '/api/admin/search?q=first',
      '/api/admin/failed-events',
    ]) {
      const { status, body } = await asViewer(path);
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain(claimId);
    }
  });

  it('are exported as CSV and NDJSON in the order of the claims', async () => {
    const csv = await client.admin('GET', `${list}.csv`);
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(csv.headers.get('content-disposition')).toBe(attachment(`coupons-${campaign}`, '정오, "쿠폰"', 'csv'));
    const [header, ...lines] = csv.body.trimEnd().split('\r\n');
    expect(header).toBe('campaignId,userId,claimId,code,sequence,claimedAt,issuedAt');
    expect(lines.map((line: string) => line.split(',')[1])).toEqual(USERS);
    expect(lines.map((line: string) => line.split(',')[4])).toEqual(['1', '2', '3', '4', '5']);

    const ndjson = await client.admin('GET', `${list}.ndjson?userId=second`);
    expect(ndjson.headers.get('content-type')).toBe('application/x-ndjson');
    const [row] = (await client.admin('GET', `${list}?userId=second`)).body.items;
    expect(ndjson.body.endsWith('}\n')).toBe(true);
    expect(JSON.parse(ndjson.body)).toEqual({ campaignId: campaign, ...row });
  });

  it('leave a line in the audit log when a list shows their codes', async () => {
    const made = await client.admin('POST', '/api/admin/keys', { body: { name: 'leaked', role: 'operator' } });
    const asKey = { authorization: `Bearer ${made.body.key}` };
    await asViewer(list);
    await client.admin('GET', `${list}?limit=2`, { headers: asKey });
    await client.admin('GET', `${list}?userId=first`, { headers: asKey });
    const { items } = (await client.admin('GET', `/api/admin/audit-log?action=coupons.list&campaignId=${campaign}`))
      .body;
    expect(items.filter(({ actor }: { actor: { name: string } }) => actor.name === 'support')).toEqual([]);
    expect(items.filter(({ actor }: { actor: { name: string } }) => actor.name === 'leaked')).toMatchObject([
      { subject: campaign, detail: { userId: 'first' } },
      { subject: campaign, detail: {} },
    ]);
  });

  it('have Korean columns for a Korean spreadsheet', async () => {
    const { body } = await client.admin('GET', `${list}.csv?lang=ko`);
    expect(body.startsWith('\uFEFF캠페인 ID,사용자 ID,신청 ID,쿠폰 코드,순번,신청 시각,발급 시각\r\n')).toBe(true);
  });

  it('leave a line in the audit log when they are exported', async () => {
    await asViewer(`${list}.csv?userId=fourth&from=2026-01-01T09:00:00%2B09:00`);
    const { body } = await client.admin('GET', `/api/admin/audit-log?action=coupons.export&limit=1`);
    expect(body.items[0]).toMatchObject({
      campaignId: campaign,
      actor: { name: 'support' },
      detail: { format: 'csv', withCodes: false, userId: 'fourth', from: '2026-01-01T00:00:00.000Z' },
    });
  });

  describe('whose export breaks off', () => {
    let key: string;
    let id: string;
    /** Lets the export go on to its second piece, for which the credential is asked for again. */
    let goOn: () => void;
    beforeEach(async () => {
      const { body } = await client.admin('POST', '/api/admin/keys', { body: { name: 'leaked', role: 'operator' } });
      ({ key, id } = body);
      const wait = new Promise<void>((resolve) => (goOn = resolve));
      const coupons = service.app.get(CampaignCoupons);
      jest.spyOn(coupons, 'export').mockImplementation((_filter, _format, _options, _by, stillMay) => {
        async function* pieces(): AsyncGenerator<string> {
          yield 'first\n';
          await wait;
          await stillMay();
          yield 'second\n';
        }
        return Promise.resolve(pieces());
      });
    });
    afterEach(() => {
      jest.restoreAllMocks();
    });

    const revoke = async () => {
      expect((await client.admin('DELETE', `/api/admin/keys/${id}`)).status).toBe(200);
      goOn();
    };

    it('because its key was revoked have no last chunk', async () => {
      const answer = await fetch(`${service.url}${list}.ndjson`, { headers: { authorization: `Bearer ${key}` } });
      expect(answer.status).toBe(200);
      await revoke();
      await expect(answer.text()).rejects.toThrow('terminated');
    });

    it.each([
      ['a close', 'whole', []],
      ['a reset', 'broken off', ['ECONNRESET']],
    ])('over HTTP/1.0 tell by %s that the file is %s', async (_how, what, errors) => {
      const { hostname, port } = new URL(service.url);
      const socket = connect(Number(port), hostname);
      const found: unknown[] = [];
      let text = '';
      socket.on('error', ({ code }: NodeJS.ErrnoException) => found.push(code));
      socket.on('data', (chunk) => (text += String(chunk)));
      socket.write(`GET ${list}.csv HTTP/1.0\r\nHost: ${hostname}\r\nAuthorization: Bearer ${key}\r\n\r\n`);
      await eventually(() => expect(text).toContain('first'));
      const closed = once(socket, 'close').catch(() => undefined);
      if (what === 'whole') goOn();
      else await revoke();
      await closed;
      expect(found).toEqual(errors);
      expect(text.includes('second')).toBe(what === 'whole');
    });
  });

  it('are not read and not recorded for HEAD', async () => {
    const lines = async () =>
      (await client.admin('GET', '/api/admin/audit-log?action=coupons.export')).body.items.length as number;
    const before = await lines();
    for (const kind of ['csv', 'ndjson']) {
      const { status, headers } = await client.admin('HEAD', `${list}.${kind}`);
      expect([status, headers.get('content-disposition')]).toEqual([
        200,
        attachment(`coupons-${campaign}`, '정오, "쿠폰"', kind),
      ]);
      expect((await client.admin('HEAD', `/api/admin/campaigns/nothing/coupons.${kind}`)).status).toBe(404);
    }
    expect(await lines()).toBe(before);
  });

  it.each(['', '.csv', '.ndjson'])('are nothing without a campaign or a credential (coupons%s)', async (kind) => {
    const { status, body } = await client.admin('GET', `/api/admin/campaigns/nothing/coupons${kind}`);
    expect([status, body.code]).toEqual([404, 'campaign-not-found']);
    expect((await client.get(`${list}${kind}`)).status).toBe(401);
    const empty = await client.createCampaign(1);
    expect((await client.admin('GET', `/api/admin/campaigns/${empty}/coupons${kind}`)).status).toBe(200);
  });

  it.each([
    ['', '?cursor=x', 'invalid-cursor', undefined],
    ['', '?limit=0', 'validation-failed', '/limit'],
    ['', '?from=yesterday', 'validation-failed', '/from'],
    ['', '?lang=ko', 'validation-failed', '/lang'],
    ['.csv', '?lang=de', 'validation-failed', '/lang'],
    ['.csv', '?limit=5', 'validation-failed', '/limit'],
    ['.ndjson', '?userId=a%20b', 'validation-failed', '/userId'],
    ['.ndjson', '?status=ISSUED', 'validation-failed', '/status'],
  ])('refuse coupons%s%s', async (kind, query, code, pointer) => {
    const { status, body } = await client.admin('GET', `${list}${kind}${query}`);
    expect([status, body.code]).toEqual([400, code]);
    if (pointer !== undefined) expect(JSON.stringify(body.errors)).toContain(pointer);
  });
});
