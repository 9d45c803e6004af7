import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ulid } from 'ulid';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type Service, startService } from '../support/service.js';

describe('a search for a user', () => {
  let service: Service;
  let client: Client;
  let campaign: string;
  const winner = `winner-${ulid()}`;
  const loser = `loser-${ulid()}`;
  let claimId: string;
  beforeAll(async () => {
    service = await startService();
    client = new Client(...service.urls);
    campaign = await client.createCampaign(1);
    claimId = (await client.claim(winner, campaign)).body.claimId;
    expect((await client.claim(loser, campaign)).body.code).toBe('sold-out');
  });
  afterAll(() => service.stop());

  const search = (q: string, headers: Record<string, string> = {}) =>
    client.admin('GET', `/api/admin/search?q=${encodeURIComponent(q)}`, { headers });

  it('tells why a user got nothing, and how long after the last coupon', async () => {
    await eventually(async () => {
      const { status, body } = await search(loser);
      expect(status).toBe(200);
      expect(body).toEqual({
        users: [
          {
            userId: loser,
            foundBy: 'user',
            campaigns: [
              {
                campaignId: campaign,
                name: expect.any(String),
                soldOutAt: expect.any(String),
                claim: null,
                refusals: [
                  {
                    code: 'sold-out',
                    refusedAt: expect.any(String),
                    afterSoldOutMs: expect.any(Number),
                    requestId: expect.any(String),
                  },
                ],
              },
            ],
          },
        ],
        gateAnswered: true,
        complete: true,
      });
    });
  });

  it('finds the same winner by user, claim and code', async () => {
    const claim = await eventually(async () => {
      const { body } = await search(winner);
      const [story] = body.users[0].campaigns;
      expect(story.claim).toMatchObject({ claimId, status: 'ISSUED', sequence: 1 });
      return story.claim;
    });
    for (const [text, foundBy] of [
      [winner, 'user'],
      [claimId, 'claim'],
      [claim.code, 'code'],
    ]) {
      const { body } = await search(text);
      expect(body.users).toMatchObject([{ userId: winner, foundBy, campaigns: [{ campaignId: campaign, claim }] }]);
    }
  });

  it('finds a code as customers write it', async () => {
    const { code } = await eventually(async () => {
      const { body } = await search(winner);
      expect(body.users[0].campaigns[0].claim.code).toEqual(expect.any(String));
      return body.users[0].campaigns[0].claim;
    });
    const groups = (sign: string): string => code.replace(/(.{4})(?!$)/g, `$1${sign}`);
    const misread = code.replace(/0/g, 'O').replace(/1/g, 'l');
    for (const text of [code.toLowerCase(), groups('-'), groups(' ').toLowerCase(), ` ${code}`, misread]) {
      expect((await search(text)).body.users).toMatchObject([{ userId: winner, foundBy: 'code' }]);
    }
    expect((await search(claimId.toLowerCase())).body.users).toMatchObject([{ userId: winner, foundBy: 'claim' }]);
  });

  it('says nobody where a text with spaces is no code', async () => {
    expect((await search('two words')).body).toMatchObject({ users: [], complete: true });
  });

  it('leaves a line in the audit log where it shows a code, without the code', async () => {
    const made = await client.admin('POST', '/api/admin/keys', { body: { name: 'leaked', role: 'operator' } });
    const asKey = { authorization: `Bearer ${made.body.key}` };
    await search(loser, asKey);
    const { code } = (await search(winner)).body.users[0].campaigns[0].claim;
    await search(code, asKey);
    await search(winner, asKey);
    const { body } = await client.admin('GET', `/api/admin/audit-log?actor=${made.body.id}`);
    expect(body.items).toMatchObject([
      { action: 'search', subject: 'user', campaignId: null, detail: { userId: winner }, address: expect.any(String) },
    ]);
    expect(JSON.stringify(body)).not.toContain(code);
  });

  it('shows no code to a viewer', async () => {
    const { body } = await client.admin('POST', '/api/admin/keys', { body: { name: 'support', role: 'viewer' } });
    const found = await search(winner, { authorization: `Bearer ${body.key}` });
    expect(found.body.users[0].campaigns[0].claim).not.toHaveProperty('code');
  });

  it('says nobody where nobody is', async () => {
    expect((await search('nobody')).body.users).toEqual([]);
  });

  it.each(['', '?q=', '?q=%20', '?q=%EC%98%A4', `?q=${'a'.repeat(129)}`, '?q=a&q=b', '?user=a'])(
    'refuses %j',
    async (query) => {
      const { status, body } = await client.admin('GET', `/api/admin/search${query}`);
      expect([status, body.code]).toEqual([400, 'validation-failed']);
    },
  );

  it('is for operators and viewers alone', async () => {
    expect((await client.get('/api/admin/search?q=a')).status).toBe(401);
  });
});
